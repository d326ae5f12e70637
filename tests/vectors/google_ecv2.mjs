// Callbacks as Google signs them, by an implementation that shares nothing with the service: node's own crypto.
//
//     node tests/vectors/google_ecv2.mjs > tests/vectors/google_ecv2.json
//
// ECDSA draws a number for each signature, so every run prints other signatures under other keys. Each good one was
// verified again before it is printed.

import { createSign, createVerify, generateKeyPairSync } from "node:crypto";

const NOW = 1796000000000; // 2026-11-30 UTC
const DAY = 86400000;
const ISSUER = "3388000000012345678";

const pair = (namedCurve = "prime256v1") => generateKeyPairSync("ec", { namedCurve });
const spki = (keys) => keys.publicKey.export({ type: "spki", format: "der" }).toString("base64");
const sign = (keys, bytes) => createSign("SHA256").update(bytes).sign(keys.privateKey).toString("base64");

function framed(texts, { bigEndian = false, characters = false } = {}) {
  return Buffer.concat(
    texts.flatMap((text) => {
      const raw = Buffer.from(text, "utf8");
      const length = Buffer.alloc(4);
      const size = characters ? [...text].length : raw.length;
      if (bigEndian) length.writeUInt32BE(size);
      else length.writeUInt32LE(size);
      return [length, raw];
    }),
  );
}

const root = pair();
const nextRoot = pair();
const stranger = pair();
const key = pair();

const usual = {
  outcome: "ok",
  sender: "GooglePayPasses",
  protocol: "ECv2SigningOnly",
  issuer: ISSUER,
  signs: root,
  listed: [
    { keys: pair(), protocol: "ECv1", expires: NOW + 900 * DAY },
    { keys: root, protocol: "ECv2SigningOnly", expires: NOW + 300 * DAY },
    { keys: nextRoot, protocol: "ECv2SigningOnly", expires: NOW + 600 * DAY },
  ],
  key,
  keyExpires: String(NOW + 7 * DAY),
  escape: true,
  message: {},
  framing: {},
};

function vector(differing) {
  const one = { ...usual, ...differing };
  const plainKey = JSON.stringify({ keyValue: spki(one.key), keyExpiration: one.keyExpires });
  // Google writes the character `=` as six characters.
  const signedKey = one.escape ? plainKey.replaceAll("=", "\\u003d") : plainKey;
  const said = {
    classId: `${ISSUER}.ptn_cafe`,
    objectId: `${ISSUER}.pass_1`,
    eventType: "save",
    expTimeMillis: NOW + 3600000,
    count: 1,
    nonce: "c0ffee00-0000-4000-8000-000000000001",
    ...one.message,
  };
  const signedMessage = one.text ? one.text(said) : JSON.stringify(said);
  const ofKey = sign(one.signs, framed([one.sender, one.protocol, signedKey], one.framing));
  const parts = [one.sender, one.issuer, one.protocol, signedMessage];
  const body = {
    signature: sign(one.key, framed(parts, one.framing)),
    intermediateSigningKey: { signedKey, signatures: one.around ? one.around(ofKey) : [ofKey] },
    protocolVersion: one.named ?? one.protocol,
    signedMessage,
    ...one.extra,
  };
  if (one.outcome === "ok") {
    const good = createVerify("SHA256").update(framed(parts)).verify(one.key.publicKey, body.signature, "base64");
    if (!good) throw new Error(`${one.name} does not verify`);
  }
  if (one.tamper) one.tamper(body);
  const keys = one.listed.map((each) => ({
    keyValue: spki(each.keys),
    protocolVersion: each.protocol,
    keyExpiration: String(each.expires),
  }));
  return {
    name: one.name,
    outcome: one.outcome,
    now: NOW,
    issuer: ISSUER,
    said: one.outcome === "ok" ? said : null,
    body: JSON.stringify(body),
    root_keys: JSON.stringify({ keys }),
  };
}

const garbage = Buffer.from("no signature").toString("base64");
const cases = [
  { name: "a save" },
  { name: "a deletion", message: { eventType: "del" } },
  { name: "a key whose text has plain equals signs", escape: false },
  { name: "a message with characters of several bytes", message: { note: "Päivää, kávé ☕" } },
  { name: "a message with spaces and line ends", text: (said) => JSON.stringify(said, null, 2) },
  { name: "numbers written as texts", message: { expTimeMillis: String(NOW + 1000), count: "1" } },
  { name: "a key whose expiry is a number", keyExpires: NOW + DAY },
  { name: "fields that nobody knows yet", message: { holder: { new: [1, 2] } }, extra: { version: 7 } },
  { name: "several signatures of which one is good", around: (good) => [garbage, good] },
  { name: "the other root key", signs: nextRoot },
  { name: "the name that a page of Google's gives", outcome: "root", sender: "GoogleWalletPasses" },
  { name: "lengths with the big end first", outcome: "root", framing: { bigEndian: true } },
  {
    name: "lengths in characters", outcome: "signature", framing: { characters: true },
    message: { note: "Päivää, kávé ☕" },
  },
  { name: "an issuer that is not ours", outcome: "signature", issuer: "3388000000099999999" },
  {
    name: "an object of another issuer", outcome: "issuer",
    message: { objectId: "3388000000099999999.pass_1" },
  },
  { name: "a class of another issuer", outcome: "issuer", message: { classId: "3388000000099999999.ptn_cafe" } },
  { name: "another protocol", outcome: "protocol", protocol: "ECv2" },
  { name: "another protocol's signature under ours", outcome: "root", protocol: "ECv2", named: "ECv2SigningOnly" },
  { name: "a stranger's root key", outcome: "root", signs: stranger },
  {
    name: "a root key that has ended", outcome: "root",
    listed: [{ keys: root, protocol: "ECv2SigningOnly", expires: NOW - 1 }],
  },
  { name: "a root key for something else", outcome: "root", listed: [{ keys: root, protocol: "ECv2", expires: NOW + DAY }] },
  { name: "no signature of the key", outcome: "root", around: () => [] },
  { name: "a key that has ended", outcome: "key_expired", keyExpires: String(NOW) },
  { name: "a message that has ended", outcome: "expired", message: { expTimeMillis: NOW } },
  { name: "a message without an end", outcome: "malformed", message: { expTimeMillis: undefined } },
  {
    name: "a changed message", outcome: "signature",
    tamper: (body) => (body.signedMessage = body.signedMessage.replace('"save"', '"del"')),
  },
  {
    name: "a key changed by one blank", outcome: "root",
    tamper: (body) => (body.intermediateSigningKey.signedKey = `${body.intermediateSigningKey.signedKey} `),
  },
  {
    name: "a key decoded and encoded again", outcome: "root",
    tamper: (body) =>
      (body.intermediateSigningKey.signedKey = JSON.stringify(JSON.parse(body.intermediateSigningKey.signedKey))),
  },
  { name: "the signature of the key in place of the message's", outcome: "signature", tamper: (body) => (body.signature = body.intermediateSigningKey.signatures[0]) },
  { name: "a signature that is no base64", outcome: "signature", tamper: (body) => (body.signature = "§") },
  { name: "a key of another curve", outcome: "malformed", key: pair("secp384r1") },
  { name: "an event that nobody knows", outcome: "malformed", message: { eventType: "share" } },
  { name: "a message without a nonce", outcome: "malformed", message: { nonce: undefined } },
  { name: "an empty nonce", outcome: "malformed", message: { nonce: "" } },
  { name: "a nonce that cannot be stored", outcome: "malformed", message: { nonce: "a\u0000b" } },
  { name: "an id without an issuer", outcome: "malformed", message: { objectId: "pass_1" } },
  { name: "a count beyond all counting", outcome: "malformed", message: { count: 1e15 } },
];

process.stdout.write(JSON.stringify({ vectors: cases.map(vector) }, null, 1) + "\n");
