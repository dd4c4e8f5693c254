/**
 * The dialog of sber-models. The node's setting `models` is an array of models as they are sent to Sber, made with the
 * builder; `create`, `update` and `sync` use it where the message brings no models.
 */
import { follow, wordsOf } from './elements';
import { choice, closes, opens, saves, field, flag, labelStyle, oneOf, showWhen, title } from './fields';
import { ask, Failure } from './requests';
import { isVariable, offer, parsed, trimmed } from './rules';
import { ModelBuilder } from './sber/builder';
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
    showWhen(choice(node, 'operation', 'list'));
    const deleteMissing = flag(node, 'deleteMissing', false);
    follow(deleteMissing, () => {
      $('#thekeys-sber-danger').toggle(deleteMissing.is(':checked') || deleteMissing.prop('indeterminate') === true);
    });
    const fetchModels = (): Promise<unknown[]> => modelsAtSber(field(node, 'account'));
    offerIds(node, fetchModels, words('placeholder.modelId'));

    const list = parsed(node.models);
    if (isVariable(node.models)) $('#thekeys-sber-variable').prop('hidden', false).text(String(node.models));
    const place = $('#node-input-models-builder')[0] ?? document.body;
    builder = new ModelBuilder(place, { models: Array.isArray(list) ? list : [], words, fetchModels });
    before = JSON.stringify(builder.models());
  }),
  oneditsave: saves((node) => {
    // A variable stays until models are built here.
    const models = builder?.models() ?? [];
    if (JSON.stringify(models) !== before) node.models = models;
  }),
  oneditcancel: closes,
});

let builder: ModelBuilder | undefined;
/** What the builder held when the dialog was opened. */
let before = '';

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
