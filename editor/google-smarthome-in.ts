/** The dialog of a device for Google: only the fields of the chosen kind are shown, levels are edited as rows. */
import { isRecord } from '../src/common/json';
import { levelNames, levelRows, readLevels } from './arm-levels';
import { element, follow, wordsOf } from './elements';
import { check, closes, opens, saves, field, keeping, labelStyle, oneOf, pinField, typed } from './fields';
import { isVariable, listOf, milliseconds, optional, parsed, trimmed, type Words } from './rules';

const KINDS = ['SECURITYSYSTEM', 'LOCK', 'CUSTOM'];

/** A check of what belongs to one kind of device alone; fine for the others. */
const checkFor = (kind: string, key: string, isFine: (this: EditedNode, value: unknown) => boolean): Validator =>
  check(key, function (value) {
    return (trimmed(this.deviceType) || 'SECURITYSYSTEM') !== kind || isVariable(value) || isFine.call(this, value);
  });

RED.nodes.registerType('google-smarthome-in', {
  category: 'The Keys',
  color: '#D8BFD8',
  icon: 'voice.svg',
  defaults: {
    name: { value: '' },
    account: { value: '', type: 'google-smarthome-config', required: true },
    deviceId: { value: '', validate: check('deviceId', isFree) },
    deviceName: {
      value: '',
      validate(value, _options) {
        const name = trimmed(value);
        if (name === '') return this._('google-smarthome-in.validator.deviceName');
        return Array.from(name).length <= 60 || this._('google-smarthome-in.validator.longName');
      },
    },
    nicknames: { value: [] },
    roomHint: { value: '' },
    deviceType: oneOf('deviceType', 'SECURITYSYSTEM', ...KINDS),
    customType: {
      value: '',
      validate: checkFor('CUSTOM', 'customType', (value) =>
        /^(action\.devices\.types\.)?[a-z]\w*$/i.test(trimmed(value)),
      ),
    },
    customTraits: {
      value: [],
      validate: checkFor('CUSTOM', 'customTraits', (value) => listOf(value).length > 0),
    },
    customAttributes: {
      value: {},
      validate: checkFor('CUSTOM', 'customAttributes', (value) => attributesOf(value) !== undefined),
    },
    levels: {
      value: [],
      validate: check(
        'levels',
        optional((value) => {
          const names = levelNames(value);
          return Array.isArray(parsed(value)) && new Set(names).size === names.length && !names.includes('');
        }),
      ),
    },
    levelsOrdered: { value: true },
    defaultLevel: {
      value: '',
      validate: checkFor('SECURITYSYSTEM', 'defaultLevel', function (value) {
        const level = trimmed(value);
        return level === '' || isVariable(this.levels) || levelNames(this.levels).includes(level);
      }),
    },
    pinFor: oneOf('pinFor', 'release', 'release', 'always', 'none'),
    onOpenSensors: oneOf('onOpenSensors', 'flow', 'flow', 'refuse', 'ask', 'allow'),
    replyTimeout: { value: '1500', validate: check('replyTimeout', milliseconds(30_000)) },
    battery: { value: false },
  },
  credentials: { pin: { type: 'password' } },
  inputs: 0,
  outputs: 1,
  paletteLabel: 'google in',
  label() {
    return trimmed(this.name) || trimmed(this.deviceName) || this._('google-smarthome-in.title');
  },
  labelStyle,
  oneditprepare: opens(prepare),
  oneditsave: saves,
  oneditcancel: closes,
  oneditresize() {
    $('#node-input-levels-list').editableList('width', $('.thekeys-form').width() ?? 0);
  },
});

/** Attributes as an object; undefined where they are none. */
function attributesOf(value: unknown): object | undefined {
  if (value === undefined || value === null || value === '') return {};
  const object = parsed(value);
  return isRecord(object) ? object : undefined;
}

/** Whether no other device of the account that is at work has this ID. */
function isFree(this: EditedNode, value: unknown): boolean {
  const id = trimmed(value);
  if (id === '' || isVariable(value)) return true;
  let free = true;
  RED.nodes.eachNode((other) => {
    if (other.type !== 'google-smarthome-in' || other.id === this.id || other.account !== this.account) return;
    const isOff = other.d === true || RED.nodes.workspace(other.z ?? '')?.disabled === true;
    if (!isOff && (trimmed(other.deviceId) || other.id) === id) free = false;
  });
  return free;
}

function prepare(node: EditedNode): () => unknown {
  const words = wordsOf(node);
  const [kind, attributes] = [field(node, 'deviceType'), node.customAttributes];
  const isObject = isRecord(attributes) && Object.keys(attributes).length > 0;
  const json = $('#node-input-customAttributes-json');
  json.val(isObject ? JSON.stringify(attributes, null, 2) : trimmed(attributes));
  const [nicknames, customTraits] = [listField(node, 'nicknames'), listField(node, 'customTraits')];
  const levels = prepareLevels(node, words);
  pinField(node, (pin) => /^\d+$/.test(pin));

  follow(kind.add(json).add(customTraits.input), () => {
    const chosen = String(kind.val());
    for (const [key, input] of Object.entries({ deviceName: field(node, 'deviceName'), nicknames: nicknames.input })) {
      input.attr('placeholder', isVariable(chosen) ? '' : words(`placeholder.${key}.${chosen}`));
    }
    customTraits.input.toggleClass('input-error', chosen === 'CUSTOM' && listOf(customTraits.input.val()).length === 0);
    $('#thekeys-device-json').prop('hidden', isVariable(typed(json)) || attributesOf(typed(json)) !== undefined);
  });
  const keep = keeping(node, () => ({
    nicknames: nicknames.read(),
    customTraits: customTraits.read(),
    // What is no JSON stays as it was typed, so that nothing is lost; the node then says what is wrong.
    customAttributes: attributesOf(typed(json)) ?? typed(json),
    levels: levels(),
  }));
  return () => {
    keep();
    // Half-typed attributes of a kind that was given up are not seen any more, and would refuse the device.
    const isOther = kind.val() !== 'CUSTOM' && !isVariable(kind.val());
    if (isOther && attributesOf(node.customAttributes) === undefined) node.customAttributes = {};
  };
}

/** A list as one text. A variable stays as it is, because its value may be a list too. */
function listField(node: EditedNode, key: string): { input: JQuery; read: () => unknown } {
  const saved = node[key];
  const input = $(`#node-input-${key}-text`).val(Array.isArray(saved) ? saved.join(', ') : trimmed(saved));
  return { input, read: () => (isVariable(typed(input)) ? typed(input) : listOf(typed(input))) };
}

/** Shows the levels as rows, and below them the choice of the default; gives the levels as they stand there. */
function prepareLevels(node: EditedNode, words: Words): () => unknown {
  const list = $('#node-input-levels-list');
  const level = field(node, 'defaultLevel');
  levelRows(list, node.levels, words, show);
  if (isVariable(node.levels)) $('#thekeys-device-levels-variable').prop('hidden', false).text(String(node.levels));
  show();
  return () => readLevels(list);

  function show(): void {
    const chosen = String(level.val() ?? '') || trimmed(node.defaultLevel);
    const names = readLevels(list).map((each) => each.level_name);
    const offered = isVariable(chosen) ? [...names, chosen] : names.filter((name) => name !== '');
    level.empty().append(element('option', { value: '' }, words('option.askLevel')));
    for (const name of offered) level.append(element('option', { value: name }, name));
    level.val(offered.includes(chosen) ? chosen : '');
    $('.thekeys-device-with-levels').toggle(names.length > 0 || isVariable(node.levels));
    // Without rows the list is but an empty frame.
    list.closest('.red-ui-editableList-border').toggle(list.editableList('length') > 0);
  }
}
