/** `sber-models`: the models of a vendor's devices at Sber, listed, changed one by one, or brought to a wanted list. */
import { choice, flag, text } from '../src/common/settings';
import { createModels, deleteModels, syncModels, updateModels } from '../src/sber/changes';
import type { SberClient } from '../src/sber/client';
import { TRANSPORT_CODES } from '../src/sber/failures';
import { readModels } from '../src/sber/read-by-id';
import { modelsCommand, MODELS_OPERATIONS, type ModelsCommand } from '../src/sber/operations';
import { checkModels } from '../src/sber/validation';
import { defineNode } from './shared/define-node';
import { runSber, type SberRun } from './shared/sber';

const SETTINGS = {
  operation: choice('the operation of the node', [...MODELS_OPERATIONS, 'message'], 'list'),
  modelId: text('the model id of the node'),
  deleteMissing: flag('"delete missing"', false),
  /** Models built in the editor, for messages that bring none. Absent in older flows. */
  models: { parse: (value: unknown) => value },
};

export = defineNode({
  type: 'sber-models',
  catalogue: 'sber-config',
  settings: SETTINGS,
  transportCodes: TRANSPORT_CODES,
  start: (node) =>
    runSber(
      node,
      'models',
      ({ payload }, settings) => modelsCommand(settings, payload),
      (client, command, run, { deleteMissing }) => perform(client, command, run, deleteMissing),
    ),
});

async function perform(client: SberClient, command: ModelsCommand, run: SberRun, deletes: boolean): Promise<unknown> {
  const { work } = run;
  switch (command.operation) {
    case 'list':
      return client.listModels(work);
    case 'get':
      return readModels(client, command.ids, work);
    case 'delete':
      return run.change(command.ids, () => deleteModels(client, command.ids, work));
    case 'create':
    case 'update':
    case 'sync': {
      const { models, warnings } = await checkModels(command.items, run.pace);
      run.warnings = warnings;
      if (command.operation === 'sync') {
        return run.synchronized(await syncModels(client, models, { deleteMissing: deletes, isDry: run.isDry }, work));
      }
      const send = command.operation === 'create' ? createModels : updateModels;
      return run.change(
        models.map(({ id }) => id),
        () => send(client, models, work),
      );
    }
  }
}
