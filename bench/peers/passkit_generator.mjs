// Passes per second of CPU time by passkit-generator. Argument: the job that bench/peers/makers.py writes.
// Used as its documentation says: one template, of which each pass is made; strings files stay as they are.
import { readFile } from "node:fs/promises";
import { PKPass } from "passkit-generator";
import { measured } from "./measured.mjs";

const job = JSON.parse(await readFile(process.argv[2], "utf8"));
const buffers = {};
for (const [name, path] of Object.entries(job.files)) buffers[name] = await readFile(path);
const template = new PKPass(buffers, {
  wwdr: await readFile(job.intermediate),
  signerCert: await readFile(job.certificate),
  signerKey: await readFile(job.key),
});

await measured(job, async (number) => {
  const pass = await PKPass.from(template, { serialNumber: `pass_${number}` });
  pass.headerFields[0].value = `${number}`;
  pass.backFields[0].value = `You earned 12 points, now ${number}`;
  return pass.getAsBuffer();
});
