/** `sber-devices`: a user's devices at Sber, their states in plain JavaScript, and the notice that a user unlinked. */
import type { Settings } from '../src/common/settings';
import { newDevices, newStates, otherDevices, unlinkedUser, unwantedDevices } from '../src/sber/changes';
import { isLockReading, lockStates } from '../src/sber/lock-states';
import { readDevices, readStates } from '../src/sber/read-by-id';
import { devicesCommand, DEVICES_SETTINGS, type DevicesCommand } from '../src/sber/operations';
import { checkDevices } from '../src/sber/validation';
import { checkStates, plainDevices } from '../src/sber/values';
import { apply, defineSberNode, type SberRun } from './shared/sber';

export = defineSberNode('devices', DEVICES_SETTINGS, (message, settings) => devicesCommand(settings, message), perform);

async function perform(run: SberRun<Settings>, command: DevicesCommand): Promise<unknown> {
  const { client, stamp } = run;
  switch (command.operation) {
    case 'list':
      return readDevices(client, command.userId, command.ids);
    case 'state': {
      const { values, warnings } = plainDevices(await readStates(client, command.userId, command.ids));
      stamp.warnings = warnings;
      return values;
    }
    case 'add':
    case 'update': {
      const { devices, warnings } = await checkDevices(command.items, client.yieldLoop);
      stamp.warnings = warnings;
      return apply(run, command.operation === 'add' ? newDevices(command.userId, devices) : otherDevices(devices));
    }
    case 'delete':
      return apply(run, unwantedDevices(command.ids));
    case 'report': {
      // What lock-status and lock-action send can be wired straight in.
      const given = isLockReading(command.states) ? lockStates(command.states) : command.states;
      const { states, warnings } = await checkStates(given, client.yieldLoop);
      stamp.warnings = warnings;
      return apply(run, newStates(states));
    }
    case 'unlink':
      return apply(run, unlinkedUser(command.userId));
  }
}
