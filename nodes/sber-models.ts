/**
 * `sber-models`: the models of a vendor's devices at Sber, listed, changed one by one, or brought to a wanted list.
 */
import type { Node, NodeDef, NodeInitializer } from 'node-red';
import { systemClock } from '../src/common/clock';
import { invalidInput } from '../src/common/errors';
import { carryOut, createModels, deleteModels, foretold, planModels, updateModels } from '../src/sber/apply';
import { breathing } from '../src/sber/breath';
import type { SberClient } from '../src/sber/client';
import { modelsCommand, type ModelsCommand } from '../src/sber/commands';
import { TRANSPORT_CODES } from '../src/sber/errors';
import { readModels } from '../src/sber/reading';
import type { SyncOutcome } from '../src/sber/shapes';
import { checkModels } from '../src/sber/validation';
import { Adapter, type Message } from './shared/adapter';
import { accountOf, asGiven, isDryRun, sberRun, SberRun, sberWords } from './shared/sber';

interface Definition extends NodeDef {
  account: string;
  operation: string;
  modelId: string;
  deleteMissing: boolean | string;
  /** Models built in the editor, for messages that bring none. */
  models: unknown;
}

const init: NodeInitializer = (RED) => {
  const words = sberWords(RED);

  function SberModels(this: Node, definition: Definition): void {
    RED.nodes.createNode(this, definition);
    const account = accountOf(RED, definition.account);
    const adapter = new Adapter(this, { RED, words, transportCodes: TRANSPORT_CODES });
    const deleteMissing = definition.deleteMissing === true || definition.deleteMissing === 'true';
    adapter.clearBadge();

    adapter.onInput((message, turn) => {
      const run = new SberRun(message, turn, adapter, words);
      return sberRun(run, () => {
        const command = modelsCommand(definition, message.payload);
        return account().inTurn('models', run.signal, (client) => perform(client, command, run, isDryRun(message)));
      });
    });

    async function perform(
      client: SberClient,
      command: ModelsCommand,
      run: SberRun,
      dryRun: boolean,
    ): Promise<Message> {
      const work = { ...run.work, signal: run.signal };
      switch (command.operation) {
        case 'list':
          return run.finish(await client.listModels(work));
        case 'get':
          return run.finish(await readModels(client, command.ids, work));
        case 'delete':
          if (dryRun || command.ids.length === 0) return run.finish(asGiven(command.ids));
          return run.finish(await deleteModels(client, command.ids, work));
        case 'create':
        case 'update':
        case 'sync':
          return change(client, command, run, dryRun);
      }
    }

    async function change(
      client: SberClient,
      command: ModelsCommand & { items: unknown[] },
      run: SberRun,
      dryRun: boolean,
    ): Promise<Message> {
      const work = { ...run.work, signal: run.signal };
      const { models, warnings } = await checkModels(command.items, breathing(systemClock, run.signal));
      run.warnings = warnings;
      if (command.operation !== 'sync') {
        if (dryRun || models.length === 0) return run.finish(asGiven(models.map(({ id }) => id)));
        const send = command.operation === 'create' ? createModels : updateModels;
        return run.finish(await send(client, models, work));
      }
      if (deleteMissing && models.length === 0) {
        throw invalidInput(
          'an empty list would delete every model',
          'To delete all models, give their ids to the delete operation.',
        );
      }
      const plan = await planModels(client, models, deleteMissing, work);
      if (!dryRun) return run.finish(await carryOut(client, plan, work));
      const outcome = foretold(plan);
      return run.finish(outcome, words('badge.plan', sizes(outcome)));
    }
  }

  RED.nodes.registerType('sber-models', SberModels);
};

function sizes({ created, updated, deleted }: SyncOutcome): Record<string, number> {
  return { created: created.length, updated: updated.length, deleted: deleted.length };
}

export = init;
