/**
 * Account linking in a process of its own, so that a test can kill it: `linking-process.ts <state folder>`. Its first
 * line on stdout is the settings as JSON.
 */
import { silent } from '../../src/common/log';
import { systemClock } from '../../src/common/clock';
import { FileState } from '../../src/state/file';
import { serveLinking } from './linking';

const folder = process.argv[2] ?? '';
const state = new FileState({ folder, log: { ...silent, warn: (message) => console.error(message) } });
void serveLinking({ state, clock: systemClock }).then(({ settings }) => {
  process.stdout.write(`${JSON.stringify(settings)}\n`);
});
