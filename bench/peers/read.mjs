// Reads a pass with pass-js 6, which is strict about the types of fields, and prints what it found as JSON.
// Argument: the path of a .pkpass file.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const { Template } = createRequire(import.meta.url)("pass-js-6");
const template = await Template.fromBuffer(await readFile(process.argv[2]));
const fields = (area) => [...template[area].entries()].map(([key, field]) => ({ key, ...field }));
const areas = ["headerFields", "primaryFields", "secondaryFields", "auxiliaryFields", "backFields"];
console.log(
  JSON.stringify({
    style: template.style,
    serialNumber: template.serialNumber,
    description: template.description,
    backgroundColor: template.backgroundColor,
    barcodes: template.barcodes,
    voided: template.voided ?? false,
    fields: Object.fromEntries(areas.map((area) => [area, fields(area)])),
    images: [...template.images.keys()].sort(),
    languages: [...template.localization.keys()].sort(),
  }),
);
