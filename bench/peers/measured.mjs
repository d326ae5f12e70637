// Calls per second of CPU time, printed as JSON, with the last result written where the job says.
import { writeFile } from "node:fs/promises";

const spent = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

export async function measured(job, work) {
  for (let number = 0; number < job.warm_up; number++) await work(number);
  let done = 0;
  let last;
  const start = spent();
  while (spent() - start < job.seconds) last = await work(done++);
  await writeFile(job.result, last);
  console.log(JSON.stringify({ per_cpu_second: done / (spent() - start) }));
}
