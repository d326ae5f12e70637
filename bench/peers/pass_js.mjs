// Passes per second of CPU time by @walletpass/pass-js 7. Argument: the job that bench/peers/makers.py writes.
// Generous to the peer: the template holds pictures, languages and the whole document; of each pass only the serial
// number, the balance and the news are new, and the strings files stay as they are.
import { readFile } from "node:fs/promises";
import { Template } from "@walletpass/pass-js";
import { measured } from "./measured.mjs";

const job = JSON.parse(await readFile(process.argv[2], "utf8"));
const template = await Template.fromBuffer(await readFile(job.pass));
template.setCertificate(await readFile(job.certificate, "utf8"));
template.setPrivateKey(await readFile(job.key, "utf8"));

await measured(job, async (number) => {
  const pass = template.createPass({ serialNumber: `pass_${number}` });
  pass.headerFields.get("balance").value = `${number}`;
  pass.backFields.get("news").value = `You earned 12 points, now ${number}`;
  return pass.asBuffer();
});
