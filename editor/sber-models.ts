/**
 * The dialog of sber-models. The node's setting `models` is an array of models as they are sent to Sber, made with the
 * builder; `create`, `update` and `sync` use it where the message brings no models.
 */
import { ask, Failure } from './ask';
import { check, choice, field, flag, labelStyle, opened, saving, showWhen, title } from './fields';
import { isOneOf, isVariable, offer, parsed, trimmed } from './rules';
import { buildModels, type Builder } from './sber/builder';
import { firstFault } from './sber/draft';

const OPERATIONS = ['list', 'get', 'create', 'update', 'delete', 'sync', 'message'];

RED.nodes.registerType('sber-models', {
  category: 'The Keys',
  color: '#87A980',
  icon: 'sber.svg',
  defaults: {
    name: { value: '' },
    account: { value: '', type: 'sber-config', required: true },
    operation: { value: 'list', validate: check('operation', isOneOf(...OPERATIONS)) },
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
  oneditprepare() {
    const words = (key: string, values?: object): string => this._(`sber-models.${key}`, values);
    showWhen(choice(this, 'operation', 'list'));
    const deleteMissing = flag(this, 'deleteMissing', false);
    const showDanger = (): void => {
      $('#thekeys-sber-danger').toggle(deleteMissing.is(':checked') || deleteMissing.prop('indeterminate') === true);
    };
    deleteMissing.on('change', showDanger);
    showDanger();
    const fetchModels = (): Promise<unknown[]> => modelsAtSber(field(this, 'account'), words);
    offerIds(this, fetchModels, words('placeholder.modelId'));

    const list = parsed(this.models);
    if (isVariable(this.models)) $('#thekeys-sber-variable').prop('hidden', false).text(String(this.models));
    builder = buildModels($('#node-input-models-builder')[0] ?? document.body, {
      models: Array.isArray(list) ? list : [],
      words,
      copy: (text) => RED.clipboard.copyText(text),
      fetchModels,
    });
    before = JSON.stringify(builder.models());
    opened(this);
  },
  oneditsave() {
    // A variable stays until models are built here.
    const models = builder?.models() ?? [];
    if (JSON.stringify(models) !== before) this.models = models;
    saving(this);
  },
});

let builder: Builder | undefined;
/** What the builder held when the dialog was opened. */
let before = '';

/** The models that the chosen account has. Rejects with a reason in words. */
async function modelsAtSber(account: JQuery, words: (key: string) => string): Promise<unknown[]> {
  const id = String(account.val() ?? '');
  if (id === '' || id === '_ADD_') throw new Reason(words('builder.noAccount'));
  try {
    const { models } = await ask('GET', `sber/models/${encodeURIComponent(id)}`);
    return Array.isArray(models) ? (models as unknown[]) : [];
  } catch (error) {
    const code = error instanceof Failure ? error.code : 'failed';
    if (code === 'NOT_DEPLOYED') throw new Reason(words('builder.notDeployed'));
    const badge = 'node-red-contrib-thekeys-gateway/sber-config:sber-config.badge.';
    throw new Reason(RED._([badge + code, `${badge}failed`]));
  }
}

/** Why something did not work, in words. */
class Reason extends Error {
  override toString(): string {
    return this.message;
  }
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
