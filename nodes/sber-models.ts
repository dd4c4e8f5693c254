/** `sber-models`: the models of a vendor's devices at Sber, listed, changed one by one, or brought to a wanted list. */
import { newModels, otherModels, unwantedModels } from '../src/sber/changes';
import { readModels } from '../src/sber/read-by-id';
import { modelsCommand, MODELS_SETTINGS, type ModelsCommand } from '../src/sber/operations';
import { syncModels } from '../src/sber/sync';
import { checkModels } from '../src/sber/validation';
import { apply, defineSberNode, type SberRun } from './shared/sber';

export = defineSberNode(
  'models',
  MODELS_SETTINGS,
  ({ payload }, settings) => modelsCommand(settings, payload),
  perform,
);

async function perform(run: SberRun<typeof MODELS_SETTINGS>, command: ModelsCommand): Promise<unknown> {
  const { client, settings, isDry, stamp } = run;
  switch (command.operation) {
    case 'list':
      return client.listModels();
    case 'get':
      return readModels(client, command.ids);
    case 'delete':
      return apply(run, unwantedModels(command.ids));
    default: {
      const { models, warnings } = await checkModels(command.items, client.yieldLoop);
      stamp.warnings = warnings;
      if (command.operation === 'create') return apply(run, newModels(models));
      if (command.operation === 'update') return apply(run, otherModels(models));
      return syncModels(client, models, { deleteMissing: settings.deleteMissing, isDry });
    }
  }
}
