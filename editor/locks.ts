/** The field in which a lock is named: a button lists what the gateway sees. */
import { ask, askBeside, Failure, type Row, type Verdict } from './ask';
import { field, shared, sourceOf, typedField } from './fields';
import { trimmed } from './rules';

/** dBm below which a signal is called fair, and weak. */
const FAIR = -75;
const WEAK = -88;

interface SeenLock {
  identifier: string;
  rssi?: number;
  batteryPercent?: number | null;
}

/** A lock as a row: its number, and how well it is received. */
function lockRow({ identifier, rssi, batteryPercent }: SeenLock): Row {
  const more: string[] = [];
  if (typeof rssi === 'number') {
    const strength = rssi < WEAK ? 'weak' : rssi < FAIR ? 'fair' : 'strong';
    more.push(shared(`setup.${strength}`, { rssi: `−${Math.abs(rssi)}` }));
  }
  if (typeof batteryPercent === 'number') more.push(shared('setup.battery', { battery: batteryPercent }));
  return { icon: 'lock', main: identifier, more: more.join(' · ') };
}

export function offerLocks(
  result: Verdict,
  { locks }: Record<string, unknown>,
  choose: (identifier: string) => void,
): void {
  const seen = Array.isArray(locks) ? (locks as SeenLock[]) : [];
  if (seen.length === 0) result.say(shared('setup.noLocks'), 'bad');
  else result.offer(shared('setup.chooseLock'), seen.map(lockRow), ({ main }) => choose(main));
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

/** The lock of a node: as typed or from elsewhere, and the gateway's own lock where it is empty. */
export function lockField(node: EditedNode): void {
  const input = field(node, 'identifier');
  listBeside(node, input, (identifier) => {
    input.typedInput('type', 'str');
    input.typedInput('value', identifier);
    input.parent().find('.red-ui-typedInput-input').trigger('focus');
  });
  typedField(node, 'identifier');
  nameOwnLock(node, input.parent().find('.red-ui-typedInput-input'));
}

/** The same for a node whose lock no message changes. */
export function plainLockField(node: EditedNode): void {
  const input = field(node, 'identifier');
  listBeside(node, input, (identifier) => input.val(identifier).trigger('change').trigger('focus'));
  nameOwnLock(node, input);
}

function listBeside(node: EditedNode, input: JQuery, choose: (identifier: string) => void): void {
  const gateway = field(node, 'gateway');
  askBeside(input, {
    icon: 'search',
    label: shared('button.locks'),
    about: [gateway],
    run: async (result) => {
      const id = String(gateway.val() ?? '');
      if (id === '' || id === '_ADD_') result.say(shared('setup.chooseGateway'), 'bad');
      else offerLocks(result, await locksOf(id), choose);
    },
  });
}

/** Where the field is empty, it names the gateway's own lock. */
function nameOwnLock(node: EditedNode, shown: JQuery): void {
  const gateway = field(node, 'gateway');
  const show = (): void => {
    const own = trimmed(RED.nodes.node(String(gateway.val() ?? ''))?.identifier);
    shown.attr('placeholder', shared('placeholder.asGateway') + (own === '' ? '' : ` (${own})`));
  };
  gateway.on('change', show);
  show();
}

/** What a lock node without a name is called: what it does, and to which lock. */
export function lockLabel(node: EditedNode, what: string): string {
  const config = RED.nodes.node(trimmed(node.gateway));
  const own = sourceOf(node, 'identifier') === 'str' ? trimmed(node.identifier) : '';
  const lock = own || trimmed(config?.name) || trimmed(config?.identifier);
  return trimmed(node.name) || (lock === '' ? what : `${what} · ${lock}`);
}
