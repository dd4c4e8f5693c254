/** `sber-devices`: a user's devices at Sber, their states in plain JavaScript, and the notice that a user unlinked. */
import { choice, text, typed } from '../src/common/settings';
import { addDevices, deleteDevices, reportStates, unlinkUser, updateDevices } from '../src/sber/changes';
import type { SberClient } from '../src/sber/client';
import { TRANSPORT_CODES } from '../src/sber/failures';
import { isLockReading, lockStates } from '../src/sber/lock-states';
import { readDevices, readStates } from '../src/sber/read-by-id';
import { devicesCommand, DEVICES_OPERATIONS, type DevicesCommand } from '../src/sber/operations';
import { checkDevices } from '../src/sber/validation';
import { checkStates, plainDevices } from '../src/sber/values';
import { defineNode } from './shared/define-node';
import { runSber, type SberRun } from './shared/sber';

export = defineNode({
  type: 'sber-devices',
  catalogue: 'sber-config',
  settings: {
    operation: choice('the operation of the node', [...DEVICES_OPERATIONS, 'message'], 'report'),
    userId: typed(text('the user id of the node')),
  },
  transportCodes: TRANSPORT_CODES,
  start: (node) => runSber(node, 'devices', (message, settings) => devicesCommand(settings, message), perform),
});

async function perform(client: SberClient, command: DevicesCommand, run: SberRun): Promise<unknown> {
  const { work, pace } = run;
  switch (command.operation) {
    case 'list':
      return readDevices(client, command.userId, command.ids, work);
    case 'state': {
      const { values, warnings } = plainDevices(await readStates(client, command.userId, command.ids, work));
      run.warnings = warnings;
      return values;
    }
    case 'add':
    case 'update': {
      const { devices, warnings } = await checkDevices(command.items, pace);
      run.warnings = warnings;
      return run.change(
        devices.map(({ id }) => id),
        () =>
          command.operation === 'add'
            ? addDevices(client, command.userId, devices, work)
            : updateDevices(client, devices, work),
      );
    }
    case 'delete':
      return run.change(command.ids, () => deleteDevices(client, command.ids, work));
    case 'report': {
      // What lock-status and lock-action send can be wired straight in.
      const given = isLockReading(command.states) ? lockStates(command.states) : command.states;
      const { states, warnings } = await checkStates(given, pace);
      run.warnings = warnings;
      return run.change(Object.keys(states), () => reportStates(client, states, work));
    }
    case 'unlink':
      return run.change([command.userId], () => unlinkUser(client, command.userId, work));
  }
}
