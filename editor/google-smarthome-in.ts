/** The dialog of a device for Google: only the fields of the chosen kind are shown, levels are edited as rows. */
import { isRecord } from '../src/common/json';
import { levelNames, levelRows, readLevels } from './arm-levels';
import { element, follow, wordsOf } from './elements';
import { check, choice, closes, opens, saves, field, flag, labelStyle, oneOf, typed } from './fields';
import { pinFields } from './pin';
import { isVariable, listOf, optional, parsed, rules, trimmed, type Words } from './rules';

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
    replyTimeout: { value: '1500', validate: check('replyTimeout', rules.milliseconds) },
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
  oneditsave: saves(keepLists),
  oneditcancel: closes,
  oneditresize() {
    $('#node-input-levels-list').editableList('width', $('.thekeys-form').width() ?? 0);
  },
});

/** What stood in the fields of the open dialog that are no single setting. */
let before: Record<string, unknown> = {};

/** Saves them. The editor marks a node as changed by a new array already, so one that is the same stays. */
function keepLists(node: EditedNode): void {
  for (const [key, value] of Object.entries(typedLists())) {
    if (JSON.stringify(value) !== JSON.stringify(before[key])) node[key] = value;
  }
  const kind = String(field(node, 'deviceType').val());
  // Half-typed attributes of a kind that was given up are not seen any more, and would refuse the device.
  if (kind !== 'CUSTOM' && !isVariable(kind) && attributesOf(node.customAttributes) === undefined) {
    node.customAttributes = {};
  }
}

/** Settings that are lists or objects, as they stand in the open dialog. */
function typedLists(): Record<'nicknames' | 'customTraits' | 'customAttributes' | 'levels', unknown> {
  const list = (key: string): unknown => {
    const text = typed($(`#node-input-${key}-text`));
    // A variable stays as it is, because its value may be a list too.
    return isVariable(text) ? text : listOf(text);
  };
  const attributes = typed($('#node-input-customAttributes-json'));
  return {
    nicknames: list('nicknames'),
    customTraits: list('customTraits'),
    // What is no JSON stays as it was typed, so that nothing is lost; the node then says what is wrong.
    customAttributes: attributesOf(attributes) ?? attributes,
    levels: readLevels($('#node-input-levels-list')),
  };
}

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

function prepare(node: EditedNode): void {
  const words = wordsOf(node);
  const kind = choice(node, 'deviceType', 'SECURITYSYSTEM');
  choice(node, 'onOpenSensors', 'flow');
  flag(node, 'levelsOrdered', true);
  flag(node, 'battery', false);
  const asText = (value: unknown): string => (Array.isArray(value) ? value.join(', ') : trimmed(value));
  $('#node-input-nicknames-text').val(asText(node.nicknames));
  const traits = $('#node-input-customTraits-text').val(asText(node.customTraits));
  const { customAttributes } = node;
  const isEmpty = isRecord(customAttributes) && Object.keys(customAttributes).length === 0;
  const json = $('#node-input-customAttributes-json');
  json.val(
    isEmpty || !isRecord(customAttributes) ? trimmed(customAttributes) : JSON.stringify(customAttributes, null, 2),
  );
  prepareLevels(node, words);
  pinFields(node, (pin) => /^\d+$/.test(pin));

  follow(kind.add(json).add(traits), () => {
    const chosen = String(kind.val());
    for (const each of $('.thekeys-device-for').toArray()) {
      $(each).toggle(each.dataset.kind === chosen || isVariable(chosen));
    }
    for (const [id, key] of [
      ['deviceName', 'deviceName'],
      ['nicknames-text', 'nicknames'],
    ] as const) {
      $(`#node-input-${id}`).attr('placeholder', isVariable(chosen) ? '' : words(`placeholder.${key}.${chosen}`));
    }
    traits.toggleClass('input-error', chosen === 'CUSTOM' && listOf(traits.val()).length === 0);
    $('#thekeys-device-json').prop('hidden', isVariable(typed(json)) || attributesOf(typed(json)) !== undefined);
  });
  before = typedLists();
}

function prepareLevels(node: EditedNode, words: Words): void {
  const list = $('#node-input-levels-list');
  const level = field(node, 'defaultLevel');
  levelRows(list, node.levels, words, show);
  if (isVariable(node.levels)) $('#thekeys-device-levels-variable').prop('hidden', false).text(String(node.levels));
  level.val(trimmed(node.defaultLevel));
  show();

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
