// A plant that is not written in Python: made from docs/contracts/README.md alone, with what node brings along.
// Checks every test vector, then seals an envelope of its own and prints it. usage: node foreign_plant.mjs VECTORS
import { createHash, createPrivateKey, sign } from "node:crypto";
import { deepStrictEqual as same } from "node:assert";
import { readFileSync } from "node:fs";

const vectors = JSON.parse(readFileSync(process.argv[2], "utf8"));
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

// RFC 8785: without fractions, sorted keys and JSON.stringify's own strings are the whole rule.
const canonical = (value) => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
};

// UUIDv5 (RFC 9562) of "source/sourcesystem/recordid".
const eventId = (namespace, { source, sourcesystem, recordid }) => {
  const space = Buffer.from(namespace.replaceAll("-", ""), "hex");
  const digest = createHash("sha1").update(space).update(`${source}/${sourcesystem}/${recordid}`).digest().subarray(0, 16);
  digest[6] = (digest[6] & 0x0f) | 0x50;
  digest[8] = (digest[8] & 0x3f) | 0x80;
  return digest.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
};

// DSSE's pre-authentication encoding; lengths are of bytes.
const pae = (type, value) =>
  Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${value.length} `), value]);

const ENVELOPE = "application/vnd.monazite.envelope+json";
const seed = Buffer.from(vectors.signing_key.seed_hex, "hex");
const pkcs8 = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
const key = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
const seal = (value, type = ENVELOPE) => sign(null, pae(type, value), key).toString("base64url");

// Kafka's murmur2; the sign bit is dropped before the remainder.
const murmur2 = (bytes) => {
  const M = 0x5bd1e995;
  let hash = 0x9747b28c ^ bytes.length;
  let at = 0;
  for (; at + 4 <= bytes.length; at += 4) {
    let block = Math.imul(bytes.readInt32LE(at), M);
    block = Math.imul(block ^ (block >>> 24), M);
    hash = Math.imul(hash, M) ^ block;
  }
  const rest = bytes.length - at;
  if (rest > 2) hash ^= bytes[at + 2] << 16;
  if (rest > 1) hash ^= bytes[at + 1] << 8;
  if (rest > 0) hash = Math.imul(hash ^ bytes[at], M);
  hash = Math.imul(hash ^ (hash >>> 13), M);
  return (hash ^ (hash >>> 15)) >>> 0;
};

let checked = 0;
for (const row of vectors.event_ids.ids) {
  same(eventId(vectors.event_ids.namespace, row), row.id);
  checked += 1;
}
for (const { event, canonical_hex, hash } of vectors.events) {
  same(Buffer.from(canonical(event)).toString("hex"), canonical_hex);
  same(sha256(canonical(event)), hash);
  checked += 1;
}
for (const row of vectors.pae) {
  const value = Buffer.from(row.value_hex, "hex");
  same(pae(row.payload_type, value).toString("hex"), row.pae_hex);
  same(seal(value, row.payload_type), row.seal);
  checked += 1;
}
let previous = null;
for (const [index, row] of vectors.chain.entries()) {
  const value = Buffer.from(row.value);
  const { sequence, previous: named, ...rest } = JSON.parse(row.value);
  same([sequence, named], [index + 1, previous]);
  same(canonical({ sequence, previous: named, ...rest }), row.value);
  previous = sha256(value);
  same([previous, sha256(pae(ENVELOPE, value)), seal(value)], [row.hash, row.pae_sha256, row.seal]);
  checked += 1;
}
for (const { key: text, murmur2: hash, partition_of } of vectors.record_keys) {
  same(murmur2(Buffer.from(text)), hash);
  for (const [count, partition] of Object.entries(partition_of)) same((hash & 0x7fffffff) % Number(count), partition);
  checked += 1;
}

// An envelope of its own, not in canonical form: a plant may write its JSON as it likes, the bytes are what counts.
const record = { source: "foreign-mine", sourcesystem: "erp", recordid: "2023/0815" };
const event = {
  specversion: "1.0",
  id: eventId(vectors.event_ids.namespace, record),
  ...record,
  type: "monazite.loss.v1",
  time: "2023-05-04T12:00:00Z",
  data: { lot: "foreign-mine/L-1", net_mass_kg: "0.500", reason: "sampling", lost_at: "2023-05-04T20:00:00+08:00" },
};
const source = { plant: "foreign-mine", gateway: "js-1", stream: "production", incarnation: "0f".repeat(16) };
const value = JSON.stringify({ source, sequence: 1, previous: null, events: [event] }, null, 1);
const headers = { key: vectors.signing_key.id, seal: seal(Buffer.from(value)) };
console.log(JSON.stringify({ checked, key: `${source.plant}/${source.gateway}`, headers, value }));
