/**
 * `sber-devices`: a user's devices at Sber, their states in plain JavaScript, and the notice that a user unlinked.
 */
import type { Node, NodeDef, NodeInitializer } from 'node-red';
import { systemClock } from '../src/common/clock';
import { addDevices, deleteDevices, reportStates, unlinkUser, updateDevices } from '../src/sber/apply';
import { breathing } from '../src/sber/breath';
import type { SberClient } from '../src/sber/client';
import { devicesCommand, type DevicesCommand } from '../src/sber/commands';
import { TRANSPORT_CODES } from '../src/sber/errors';
import { isLockReading, lockStates } from '../src/sber/keys-lock';
import { readDevices, readStates } from '../src/sber/reading';
import { checkStates } from '../src/sber/states';
import { checkDevices } from '../src/sber/validation';
import { Adapter, type Message } from './shared/adapter';
import { accountOf, asGiven, isDryRun, sberRun, SberRun, sberWords } from './shared/sber';

interface Definition extends NodeDef {
  account: string;
  operation: string;
  userId: string;
}

const init: NodeInitializer = (RED) => {
  const words = sberWords(RED);

  function SberDevices(this: Node, definition: Definition): void {
    RED.nodes.createNode(this, definition);
    const account = accountOf(RED, definition.account);
    const adapter = new Adapter(this, { RED, words, transportCodes: TRANSPORT_CODES });
    adapter.clearBadge();

    adapter.onInput((message, turn) => {
      const run = new SberRun(message, turn, adapter, words);
      return sberRun(run, () => {
        const command = devicesCommand(definition, message);
        return account().inTurn('devices', run.signal, (client) => perform(client, command, run, isDryRun(message)));
      });
    });
  }

  RED.nodes.registerType('sber-devices', SberDevices);
};

async function perform(client: SberClient, command: DevicesCommand, run: SberRun, dryRun: boolean): Promise<Message> {
  const work = { ...run.work, signal: run.signal };
  const breath = breathing(systemClock, run.signal);
  switch (command.operation) {
    case 'list':
      return run.finish(await readDevices(client, command.userId, command.ids, work));
    case 'state':
      return run.finish(await readStates(client, command.userId, command.ids, work));
    case 'add': {
      const { devices, warnings } = await checkDevices(command.items, breath);
      run.warnings = warnings;
      if (dryRun || devices.length === 0) return run.finish(asGiven(devices.map(({ id }) => id)));
      return run.finish(await addDevices(client, command.userId, devices, work));
    }
    case 'update': {
      const { devices, warnings } = await checkDevices(command.items, breath);
      run.warnings = warnings;
      if (dryRun || devices.length === 0) return run.finish(asGiven(devices.map(({ id }) => id)));
      return run.finish(await updateDevices(client, devices, work));
    }
    case 'delete':
      if (dryRun || command.ids.length === 0) return run.finish(asGiven(command.ids));
      return run.finish(await deleteDevices(client, command.ids, work));
    case 'report': {
      // What lock-status and lock-action send can be wired straight in.
      const given = isLockReading(command.states) ? lockStates(command.states) : command.states;
      const { states, warnings } = await checkStates(given, breath);
      run.warnings = warnings;
      if (dryRun || Object.keys(states).length === 0) return run.finish(asGiven(Object.keys(states)));
      return run.finish(await reportStates(client, states, work));
    }
    case 'unlink':
      if (dryRun) return run.finish(asGiven([command.userId]));
      return run.finish(await unlinkUser(client, command.userId, work));
  }
}

export = init;
