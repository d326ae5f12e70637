// Smart Tap as phones and readers speak it, by an implementation that shares nothing with the service: node's crypto.
//
//     node tests/vectors/smart_tap.mjs > tests/vectors/smart_tap.json
//
// Keys, nonces and values are derived from labels, and the reader's signatures with RFC 6979, so that every run prints
// the same. Each vector was opened again with the other half of the key agreement before it is printed.

import { createCipheriv, createDecipheriv, createECDH, createHash, createHmac, createPublicKey, hkdfSync, verify } from "node:crypto";
import { deflateSync, inflateSync } from "node:zlib";

const CURVE = "prime256v1";
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const WELL_KNOWN = 1;
const EXTERNAL = 4;

const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest();
const hmac = (key, ...parts) => parts.reduce((mac, part) => mac.update(part), createHmac("sha256", key)).digest();
const number = (bytes) => BigInt("0x" + bytes.toString("hex"));
const bytes = (value, length) => Buffer.from(value.toString(16).padStart(2 * length, "0"), "hex");
const u32 = (value) => bytes(BigInt(value), 4);

function pairOf(d) {
  const pair = createECDH(CURVE);
  pair.setPrivateKey(d);
  return { pair, d, compressed: Buffer.from(pair.getPublicKey(null, "compressed")) };
}

const keyPair = (label) => pairOf(bytes((number(sha256(label)) % (ORDER - 1n)) + 1n, 32));

// The first key pair of the series `label 0`, `label 1`, ... that the test accepts.
function search(label, accepts) {
  for (let at = 0; ; at += 1) {
    const found = keyPair(`${label} ${at}`);
    if (accepts(found)) return found;
  }
}

function modular(base, exponent, modulus) {
  let result = 1n;
  for (let b = base % modulus, e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = (result * b) % modulus;
    b = (b * b) % modulus;
  }
  return result;
}

// RFC 6979 section 3.2 with SHA-256, and the DER form of a signature (RFC 3279 section 2.2.3).
function signature(pair, message) {
  const hash = sha256(message);
  let v = Buffer.alloc(32, 1);
  let k = Buffer.alloc(32, 0);
  for (const mark of [0, 1]) {
    k = hmac(k, v, Buffer.from([mark]), pair.d, bytes(number(hash) % ORDER, 32));
    v = hmac(k, v);
  }
  for (;;) {
    v = hmac(k, v);
    const nonce = number(v);
    if (nonce > 0n && nonce < ORDER) {
      const r = number(Buffer.from(pairOf(bytes(nonce, 32)).pair.getPublicKey()).subarray(1, 33)) % ORDER;
      const s = (modular(nonce, ORDER - 2n, ORDER) * (number(hash) + r * number(pair.d))) % ORDER;
      if (r !== 0n && s !== 0n) return der(r, s);
    }
    k = hmac(k, v, Buffer.from([0]));
    v = hmac(k, v);
  }
}

function der(r, s) {
  const integers = [r, s].map((value) => {
    let raw = bytes(value, 32);
    while (raw.length > 1 && raw[0] === 0 && raw[1] < 0x80) raw = raw.subarray(1);
    if (raw[0] >= 0x80) raw = Buffer.concat([Buffer.from([0]), raw]);
    return Buffer.concat([Buffer.from([2, raw.length]), raw]);
  });
  const body = Buffer.concat(integers);
  return Buffer.concat([Buffer.from([0x30, body.length]), body]);
}

// NDEF: a record, and a message of records.
const record = (type, payload, { kind = EXTERNAL, id = "" } = {}) => ({ type, payload: Buffer.from(payload), kind, id });

function message(...records) {
  return Buffer.concat(
    records.flatMap(({ type, payload, kind, id }, at) => {
      const short = payload.length < 256;
      let flags = kind;
      if (at === 0) flags |= 0x80;
      if (at === records.length - 1) flags |= 0x40;
      if (short) flags |= 0x10;
      if (id) flags |= 0x08;
      const length = short ? Buffer.from([payload.length]) : u32(payload.length);
      return [Buffer.from([flags, type.length]), length, Buffer.from(id ? [id.length] : []), Buffer.from(type + id), payload];
    }),
  );
}

const binary = (data) => Buffer.concat([Buffer.from([4]), data]);
const session = (id, sequence) => record("ses", Buffer.concat([id, Buffer.from([sequence, 1])]));

function valueRecord(form, value) {
  if (form === "text") return record("T", Buffer.concat([Buffer.from([2]), Buffer.from("en" + value)]), { kind: WELL_KNOWN, id: "n" });
  if (form === "text16") {
    const said = Buffer.from(value, "utf16le").swap16();
    return record("T", Buffer.concat([Buffer.from([0x82, 0x65, 0x6e, 0xfe, 0xff]), said]), { kind: WELL_KNOWN, id: "n" });
  }
  return record("n", Buffer.concat([Buffer.from([form === "ascii" ? 1 : 0]), Buffer.from(value)]));
}

function services(form, value, { customer = false, padding = 0, service = "ly" } = {}) {
  const fields = [record("i", binary(Buffer.from("0102030405", "hex"))), valueRecord(form, value)];
  if (padding) fields.push(record("ex", Buffer.alloc(padding, 0x20)));
  const records = [record("asv", message(record("i", binary(Buffer.from("0102030405", "hex"))), record(service, message(...fields))))];
  if (customer) records.unshift(record("asv", message(record("cus", message(record("cid", binary(sha256("customer").subarray(0, 16))))))));
  return message(...records);
}

function opened(keys, bundle) {
  const [iv, sealed, tag] = [bundle.subarray(1, 13), bundle.subarray(13, -32), bundle.subarray(-32)];
  if (!hmac(keys.subarray(16), iv, sealed).equals(tag)) throw new Error("the tag is wrong");
  const cipher = createDecipheriv("aes-128-ctr", keys.subarray(0, 16), Buffer.concat([iv, Buffer.alloc(4)]));
  const plain = Buffer.concat([cipher.update(sealed), cipher.final()]);
  return bundle[0] & 2 ? inflateSync(plain) : plain;
}

function vector({ name, form, value, packed = false, collector = 20180608, version = 1, device, more = {} }) {
  const longTerm = keyPair("smart tap long-term key");
  const reader = keyPair(`${name}: reader`);
  const phone = device ?? keyPair(`${name}: phone`);
  const id = sha256(`${name}: session`).subarray(0, 8);
  const [readerNonce, deviceNonce] = [sha256(`${name}: reader nonce`), sha256(`${name}: device nonce`)];
  const signed = Buffer.concat([readerNonce, deviceNonce, u32(collector), reader.compressed]);
  const sig = signature(longTerm, signed);
  const publicKey = createPublicKey({
    key: Buffer.concat([Buffer.from("3039301306072a8648ce3d020106082a8648ce3d030107032200", "hex"), longTerm.compressed]),
    format: "der",
    type: "spki",
  });
  if (!verify("sha256", signed, publicKey, sig)) throw new Error(`${name} is signed wrongly`);

  const z = phone.pair.computeSecret(reader.compressed);
  const info = Buffer.concat([signed, sig]);
  const derive = (secret) => Buffer.from(hkdfSync("sha256", secret, phone.compressed, info, 48));
  const keys = derive(z);
  const plain = services(form, value, more);
  const iv = sha256(`${name}: iv`).subarray(0, 12);
  const cipher = createCipheriv("aes-128-ctr", keys.subarray(0, 16), Buffer.concat([iv, Buffer.alloc(4)]));
  const sealed = Buffer.concat([cipher.update(packed ? deflateSync(plain) : plain), cipher.final()]);
  const bundle = Buffer.concat([Buffer.from([packed ? 3 : 1]), iv, sealed, hmac(keys.subarray(16), iv, sealed)]);
  if (!opened(derive(reader.pair.computeSecret(phone.compressed)), bundle).equals(plain)) throw new Error(`${name} does not open`);

  const proof = message(record("sig", binary(sig)), record("cld", binary(u32(collector))));
  const parameters = Buffer.concat([readerNonce, Buffer.from([1]), reader.compressed, u32(version), proof]);
  const versioned = (...records) => Buffer.concat([Buffer.from([0, 1]), message(...records)]);
  const wanted = [
    session(id, 1),
    record("mer", message(record("cld", binary(u32(collector))))),
    record("slr", message(record("str", Buffer.from([3])))),
    record("pcr", Buffer.from([0x49, 0, 0, 0, 1])),
  ];
  return {
    name,
    collector_id: collector,
    key_version: version,
    long_term_private_key: longTerm.d.toString("hex"),
    long_term_public_key: longTerm.compressed.toString("hex"),
    reader_private_key: reader.d.toString("hex"),
    session: id.toString("hex"),
    signed: signed.toString("hex"),
    signature: sig.toString("hex"),
    negotiate: message(record("ngr", versioned(session(id, 0), record("cpr", parameters)))).toString("hex"),
    request: message(record("srq", versioned(...wanted))).toString("hex"),
    negotiated: message(record("nrs", message(session(id, 1), record("dpk", phone.compressed)))).toString("hex"),
    shared_secret: z.toString("hex"),
    session_keys: keys.toString("hex"),
    plaintext: plain.toString("hex"),
    answer: message(record("srs", message(session(id, 2), record("reb", bundle)))).toString("hex"),
    value,
    service: more.service === "of" ? "offer" : "loyalty",
  };
}

const VALUE = "7K3M9QXA2BCD7K3M9QXA";
const secretOf = (device, name) => device.pair.computeSecret(keyPair(`${name}: reader`).compressed);
const ZERO = "a shared secret with a leading zero";

const vectors = [
  vector({ name: "a value with a byte of format", form: "plain", value: VALUE }),
  vector({ name: "a value said to be ASCII", form: "ascii", value: VALUE }),
  vector({ name: "a value as a text", form: "text", value: VALUE }),
  vector({ name: "a value as a text of sixteen bits", form: "text16", value: VALUE }),
  vector({ name: "packed, with a byte of format", form: "plain", value: VALUE, packed: true }),
  vector({ name: "packed, as a text", form: "text", value: VALUE, packed: true }),
  vector({ name: "words on the customer first", form: "text", value: VALUE, packed: true, more: { customer: true } }),
  vector({ name: "a message longer than 255 bytes", form: "plain", value: VALUE, more: { padding: 300 } }),
  vector({ name: "an offer", form: "plain", value: VALUE, more: { service: "of" } }),
  vector({ name: "a value of one character", form: "plain", value: "7" }),
  vector({ name: "the largest collector and a late version", form: "plain", value: VALUE, collector: 4294967295, version: 70000 }),
  vector({ name: "an even point of the phone", form: "plain", value: VALUE, device: search("even", (one) => one.compressed[0] === 2) }),
  vector({ name: "an odd point of the phone", form: "plain", value: VALUE, device: search("odd", (one) => one.compressed[0] === 3) }),
  vector({ name: "a point with a leading zero", form: "plain", value: VALUE, device: search("x", (one) => one.compressed[1] === 0) }),
  vector({ name: ZERO, form: "plain", value: VALUE, device: search("z", (one) => secretOf(one, ZERO)[0] === 0) }),
];

process.stdout.write(JSON.stringify(vectors, null, 2) + "\n");
