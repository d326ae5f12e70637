// Taps as a phone makes them, by an implementation that shares nothing with the service: node's own crypto.
//
//     node tests/vectors/apple_vas.mjs > tests/vectors/apple_vas.json
//
// Keys and messages are derived from labels, so that every run prints the same. Each vector was opened again with the
// other half of the key agreement before it is printed.

import { createCipheriv, createDecipheriv, createECDH, createHash, ECDH } from "node:crypto";

const CURVE = "prime256v1";
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const SPKI = Buffer.from("3039301306072a8648ce3d020106082a8648ce3d030107032200", "hex");
const LABEL = Buffer.from("ApplePay encrypted VAS data");
const ALGORITHM = Buffer.from("id-aes256-GCM");

const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest();

function scalar(label) {
  const number = (BigInt("0x" + sha256(label).toString("hex")) % (ORDER - 1n)) + 1n;
  return Buffer.from(number.toString(16).padStart(64, "0"), "hex");
}

function keyPair(d) {
  const pair = createECDH(CURVE);
  pair.setPrivateKey(d);
  return { pair, d, compressed: Buffer.from(pair.getPublicKey(null, "compressed")) };
}

// The first key pair of the series `label 0`, `label 1`, ... that the test accepts.
function search(label, accepts) {
  for (let number = 0; ; number += 1) {
    const found = keyPair(scalar(`${label} ${number}`));
    if (accepts(found)) return found;
  }
}

function secrets(variant, z, passType) {
  const id = sha256(passType);
  const info = variant === 1 ? Buffer.concat([Buffer.from([0x0d]), ALGORITHM, LABEL, id]) : LABEL;
  return { key: sha256(z, Buffer.from([0, 0, 0, 1]), info), aad: variant === 1 ? Buffer.alloc(0) : id };
}

function seal(variant, z, passType, plain) {
  const { key, aad } = secrets(variant, z, passType);
  const cipher = createCipheriv("aes-256-gcm", key, Buffer.alloc(16));
  cipher.setAAD(aad);
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function open(variant, z, passType, sealed) {
  const { key, aad } = secrets(variant, z, passType);
  const decipher = createDecipheriv("aes-256-gcm", key, Buffer.alloc(16));
  decipher.setAAD(aad);
  decipher.setAuthTag(sealed.subarray(-16));
  return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
}

function vector({ name, variant, merchant, phone, passType, timestamp, message }) {
  const z = phone.pair.computeSecret(merchant.compressed);
  const time = Buffer.alloc(4);
  time.writeUInt32BE(timestamp);
  const plain = Buffer.concat([time, message]);
  const keyId = sha256(merchant.compressed.subarray(1)).subarray(0, 4);
  const sealed = seal(variant, z, passType, plain);

  // A reader has X alone: it must come to the same secret, whichever of the two points with this X it takes.
  for (const sign of [2, 3]) {
    const point = ECDH.convertKey(Buffer.concat([Buffer.from([sign]), phone.compressed.subarray(1)]), CURVE);
    const reopened = open(variant, merchant.pair.computeSecret(point), passType, sealed);
    if (!reopened.equals(plain)) throw new Error(`${name} does not open`);
  }
  return {
    name,
    variant,
    pass_type: passType,
    private_key: merchant.d.toString("hex"),
    public_key: Buffer.concat([SPKI, merchant.compressed]).toString("base64"),
    key_id: keyId.toString("hex"),
    ephemeral_private_key: phone.d.toString("hex"),
    shared_secret: z.toString("hex"),
    timestamp,
    message: message.toString("hex"),
    blob: Buffer.concat([keyId, phone.compressed.subarray(1), sealed]).toString("hex"),
  };
}

const merchant = keyPair(scalar("the programme's key"));
const other = keyPair(scalar("another programme's key"));
const phone = keyPair(scalar("a phone"));
const PASS_TYPE = "pass.org.commonpoint.test";
const NOW = 800000000; // 2026-05-09 06:13:20 UTC
const CODE = Buffer.from("7K3M9QXA2BCD7K3M9QXA");

const cases = [
  { name: "an ordinary tap" },
  { name: "a phone's key with an odd Y", phone: search("odd", (k) => k.compressed[0] === 3) },
  { name: "a phone's key with an even Y", phone: search("even", (k) => k.compressed[0] === 2) },
  { name: "a phone's X with a leading zero", phone: search("small X", (k) => k.compressed[1] === 0) },
  { name: "a programme's X with a leading zero", merchant: search("small key", (k) => k.compressed[1] === 0) },
  {
    name: "a shared secret with a leading zero",
    phone: search("small Z", (k) => k.pair.computeSecret(merchant.compressed)[0] === 0),
  },
  { name: "another programme's key", merchant: other },
  { name: "another pass type", passType: "pass.com.example.loyalty" },
  { name: "an empty message", message: Buffer.alloc(0) },
  { name: "the longest message", message: Buffer.from("M".repeat(64)) },
  { name: "a message of bytes that are no text", message: Buffer.from([0xff, 0x00, 0xfe, 0x80]) },
  { name: "the first second of the epoch", timestamp: 0 },
  { name: "the last second of the epoch", timestamp: 0xffffffff },
];

const usual = { merchant, phone, passType: PASS_TYPE, timestamp: NOW, message: CODE };
const vectors = cases.flatMap((one) => [1, 2].map((variant) => vector({ ...usual, ...one, variant })));
process.stdout.write(JSON.stringify({ vectors }, null, 1) + "\n");
