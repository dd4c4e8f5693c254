/**
 * The dialog of sber-models. The node's setting `models` is an array of models as they are sent to Sber, made with the
 * builder; `create`, `update` and `sync` use it where the message brings no models.
 */
import { wordsOf } from './elements';
import { closes, opens, saves, field, keeping, labelStyle, oneOf, title } from './fields';
import { ask, Failure } from './requests';
import { isVariable, offer, parsed, trimmed } from './rules';
import { modelBuilder } from './sber/builder';
import { firstFault } from './sber/draft';

const OPERATIONS = ['list', 'get', 'create', 'update', 'delete', 'sync', 'message'];

RED.nodes.registerType('sber-models', {
  category: 'The Keys',
  color: '#87A980',
  icon: 'sber.svg',
  defaults: {
    name: { value: '' },
    account: { value: '', type: 'sber-config', required: true },
    operation: oneOf('operation', 'list', ...OPERATIONS),
    modelId: { value: '' },
    deleteMissing: { value: false },
    models: {
      value: [],
      validate(value, _options) {
        if (['', 'list', 'get', 'delete'].includes(trimmed(this.operation)) || isVariable(value)) return true;
        const fault = value === undefined || value === '' ? null : firstFault(parsed(value));
        return fault === null || this._(`sber-models.fault.${fault.code}`, { number: fault.number });
      },
    },
  },
  inputs: 1,
  outputs: 1,
  paletteLabel: 'sber models',
  label() {
    return title(this, 'operation', 'message');
  },
  labelStyle,
  oneditprepare: opens((node) => {
    const words = wordsOf(node);
    const fetchModels = (): Promise<unknown[]> => modelsAtSber(field(node, 'account'));
    offerIds(node, fetchModels, words('placeholder.modelId'));

    const list = parsed(node.models);
    if (isVariable(node.models)) $('#thekeys-sber-variable').prop('hidden', false).text(String(node.models));
    const models = modelBuilder($('#node-input-models-builder'), Array.isArray(list) ? list : [], words, fetchModels);
    // A variable stays until models are built here.
    return keeping(node, () => ({ models: models() }));
  }),
  oneditsave: saves,
  oneditcancel: closes,
});

/** The models that the chosen account has. @throws Failure */
async function modelsAtSber(account: JQuery): Promise<unknown[]> {
  const id = String(account.val() ?? '');
  if (id === '' || id === '_ADD_') throw new Failure({ code: 'NO_ACCOUNT' });
  const { models } = await ask('GET', `sber/models/${encodeURIComponent(id)}`);
  return Array.isArray(models) ? (models as unknown[]) : [];
}

/** Ids to choose from, asked for when a person begins to type; anything else can be typed. */
function offerIds(node: EditedNode, fetchModels: () => Promise<unknown[]>, nothing: string): void {
  let known: Promise<unknown[]> | undefined;
  field(node, 'account').on('change', () => (known = undefined));
  field(node, 'modelId').autoComplete({
    minLength: 0,
    search: (typed, done) => {
      known ??= fetchModels().catch(() => []);
      void known.then((models) => {
        const offers = (models as { id: string; model?: string }[]).map(({ id, model }) => ({
          value: id,
          label: model ? `${id} (${model})` : id,
        }));
        const fitting = offers.filter(({ label }) => label.toLowerCase().includes(typed.toLowerCase()));
        done(offer(typed, fitting, nothing));
      });
      return undefined;
    },
  });
}
