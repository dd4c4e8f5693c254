/** The field in which a lock is named: a button lists what the gateway sees. */
import { follow, shared } from './elements';
import { checkTyped, field, sourceOf, typedField } from './fields';
import { ask, bad, Failure, requestBeside, type Answer } from './requests';
import { rules, trimmed } from './rules';

/** dBm below which a signal is called fair, and weak. */
const FAIR = -75;
const WEAK = -88;

interface SeenLock {
  identifier: string;
  rssi?: number;
  batteryPercent?: number | null;
}

/** The settings that every node of a lock has. */
export const GATEWAY = { value: '', type: 'gateway-config', required: true };
export const IDENTIFIER = { value: '', validate: checkTyped('identifier', rules.identifier) };

/** How well a lock is received, and its battery. */
function conditionOf({ rssi, batteryPercent }: SeenLock): string {
  const more: string[] = [];
  if (typeof rssi === 'number') {
    const strength = rssi < WEAK ? 'weak' : rssi < FAIR ? 'fair' : 'strong';
    more.push(shared(`setup.${strength}`, { rssi: `−${Math.abs(rssi)}` }));
  }
  if (typeof batteryPercent === 'number') more.push(shared('setup.battery', { battery: batteryPercent }));
  return more.join(' · ');
}

/** The locks of an answer, to choose from. */
export function lockRows({ locks }: Record<string, unknown>, choose: (identifier: string) => undefined): Answer {
  const rows = (Array.isArray(locks) ? (locks as SeenLock[]) : []).map((lock) => ({
    icon: 'lock',
    main: lock.identifier,
    more: conditionOf(lock),
    choose: () => choose(lock.identifier),
  }));
  return rows.length === 0 ? bad(shared('setup.noLocks')) : { lines: [{ text: shared('setup.chooseLock') }], rows };
}

/** The locks that a gateway sees: the deployed one, or, where the editor knows better, the one at its address. */
async function locksOf(id: string): Promise<Record<string, unknown>> {
  const config = RED.nodes.node(id);
  const byAddress = (): Promise<Record<string, unknown>> => ask('POST', 'locks', { host: trimmed(config?.host) });
  if (config?.changed === true) return byAddress();
  try {
    return await ask('GET', `gateways/${encodeURIComponent(id)}/locks`);
  } catch (error) {
    if (error instanceof Failure && error.code === 'NOT_DEPLOYED' && config !== null) return byAddress();
    throw error;
  }
}

/** The lock of a node: as typed, for some from elsewhere, and the gateway's own lock where it is empty. */
export function lockField(node: EditedNode): void {
  const [input, gateway] = [field(node, 'identifier'), field(node, 'gateway')];
  const isTyped = 'identifierType' in node._def.defaults;
  const choose = (identifier: string): undefined => {
    if (isTyped) {
      input.typedInput('type', 'str');
      input.typedInput('value', identifier);
    } else input.val(identifier).trigger('change');
    shown.trigger('focus');
  };
  requestBeside(input, {
    icon: 'search',
    label: shared('button.locks'),
    about: [gateway],
    run: async () => {
      const id = String(gateway.val() ?? '');
      const isChosen = id !== '' && id !== '_ADD_';
      return isChosen ? lockRows(await locksOf(id), choose) : bad(shared('setup.chooseGateway'));
    },
  });
  if (isTyped) typedField(node, 'identifier');
  const shown = isTyped ? input.parent().find('.red-ui-typedInput-input') : input;
  // Where the field is empty, it names the gateway's own lock.
  follow(gateway, () => {
    const own = trimmed(RED.nodes.node(String(gateway.val() ?? ''))?.identifier);
    shown.attr('placeholder', shared('placeholder.asGateway') + (own === '' ? '' : ` (${own})`));
  });
}

/** What a lock node without a name is called: what it does, and to which lock. */
export function lockLabel(node: EditedNode, what: string): string {
  const config = RED.nodes.node(trimmed(node.gateway));
  const own = sourceOf(node, 'identifier') === 'str' ? trimmed(node.identifier) : '';
  const lock = own || trimmed(config?.name) || trimmed(config?.identifier);
  return trimmed(node.name) || (lock === '' ? what : `${what} · ${lock}`);
}
