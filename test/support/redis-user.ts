/**
 * A process that uses the shared state of the address in `STATE_URL` for all that it is used for, and prints what came of
 * it: for what is settled when a process starts, such as the certificates that it trusts.
 */
import { silent } from '../../src/common/log';
import { RedisState } from '../../src/state/redis';
import { count } from './counting';

async function main(): Promise<object> {
  const url = process.env.STATE_URL ?? '';
  const warnings: string[] = [];
  const warn = (message: string): unknown => warnings.push(message);
  const [one, two] = [
    new RedisState({ url, log: { ...silent, warn } }),
    new RedisState({ url, log: { ...silent, warn } }),
  ];
  try {
    const numbers = [await count(one, 'numbers', 1, 1), await count(two, 'numbers', 1, 1)];
    await one.change('value', () => ({ value: 'kept', result: undefined }));
    const heard = new Promise((resolve) => two.subscribe('news', resolve));
    await two.publish('other', 0);
    await one.publish('news', 'news');
    await (await one.lease('gate', { ttlMs: 5000 })).release();
    return { numbers, value: await two.get('value'), heard: await heard, warnings };
  } catch (error) {
    return { failed: (error as { reason?: unknown }).reason ?? String(error), warnings };
  } finally {
    await Promise.all([one.close(), two.close()]);
  }
}

void main().then((outcome) => console.log(JSON.stringify(outcome)));
