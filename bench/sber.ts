/**
 * What 5,000 models at Sber cost: listing, checking, comparing and planning them through the simulated cloud, beside
 * plain `JSON.parse` of the same answer; and the longest time for which the event loop stood still meanwhile.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { systemClock } from '../src/common/clock';
import { connect } from '../src/sber/client';
import { accountSettings } from '../src/sber/endpoint';
import { planOf } from '../src/sber/sync';
import { checkModels } from '../src/sber/validation';
import { startSberCloud } from '../simulators/sber/cloud';
import { median, type Row } from './table';

const MODELS = 5000;
const ROUNDS = 9;
const TOKEN = 'demo-bench-key';
const CHILD = '--serve';

function manyModels(): Record<string, unknown>[] {
  return Array.from({ length: MODELS }, (_, index) => ({
    id: `ACME-LAMP-${index}`,
    manufacturer: 'Acme',
    model: `Smart Lamp ${index}`,
    hw_version: '3.2',
    sw_version: '5.7',
    description: 'Умная лампа',
    category: 'light',
    features: ['online', 'on_off', 'light_mode', 'light_brightness', 'light_colour', 'light_colour_temp'],
    allowed_values: {
      light_brightness: { type: 'INTEGER', integer_values: { min: '50', max: String(500 + (index % 400)), step: '1' } },
      light_colour_temp: { type: 'INTEGER', integer_values: { min: '0', max: '1000', step: '1' } },
    },
  }));
}

export async function run(): Promise<Row[]> {
  // The cloud has a process of its own, so that its work is not taken for ours.
  const child = fork(__filename, [CHILD], { stdio: 'inherit' });
  try {
    const [url] = (await once(child, 'message')) as [string];
    return await measure(url);
  } finally {
    child.kill();
  }
}

async function measure(url: string): Promise<Row[]> {
  const settings = accountSettings({ endpoint: url, token: TOKEN, timeout: 60 });
  const client = connect({ settings, clock: systemClock, random: Math.random });
  const wanted = manyModels().map((model, index) => (index % 10 === 0 ? { ...model, sw_version: '6.0' } : model));
  const answer = JSON.stringify({ models: manyModels() });
  const ours: number[] = [];
  const parse: number[] = [];
  const stalls: number[] = [];
  for (let round = -2; round < ROUNDS; round += 1) {
    const began = performance.now();
    JSON.parse(answer);
    const parsed = performance.now() - began;

    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const cpu = process.cpuUsage();
    const { models } = await checkModels(wanted, client.yieldLoop);
    const plan = await planOf(await client.listModels(), models, true, client.yieldLoop);
    const { user, system } = process.cpuUsage(cpu);
    // The delay is noted when the next timer comes due.
    await new Promise((resolve) => setTimeout(resolve, 20));
    delay.disable();
    if (plan.update.length !== MODELS / 10 || plan.unchanged.length !== MODELS * 0.9) throw new Error('a wrong plan');
    // The first rounds compile.
    if (round < 0) continue;
    parse.push(parsed);
    // Our own time, not the cloud's and the wire's: what this process computed.
    ours.push((user + system) / 1000);
    stalls.push(delay.max / 1e6);
  }
  const name = `list, check, compare and plan ${MODELS} models at Sber`;
  return [
    {
      name,
      value: median(ours),
      unit: 'ms',
      against: { name: 'JSON.parse of the same answer', value: median(parse) },
      goal: { atMost: 1000 },
    },
    { name: `${name}: longest stall of the event loop`, value: median(stalls), unit: 'ms', goal: { atMost: 50 } },
  ];
}

if (require.main === module && process.argv[2] === CHILD) {
  void startSberCloud({ token: TOKEN, models: manyModels() }).then(({ url }) => process.send?.(url));
}
