/** The two flows that a campaign runs: this package's nodes, and the simplest thing made of Node-RED's own. */
import { coreFlow } from '../bench/core-flow';
import type { FlowNode } from '../test/support/node-red';
import { CODE, type Site } from './world';

export type FlowKind = 'package' | 'core';

export interface CampaignFlow {
  nodes: FlowNode[];
  /** Where a command for a gateway goes in. */
  entry(gateway: number, confirm: boolean): string;
  /** Whose `done` counts; undefined: the first end in the chain. */
  actionNodes: ReadonlySet<string> | undefined;
  /** Nodes that a partial deploy may touch. */
  touchable: string[];
  /** Configuration nodes that a partial deploy may touch. */
  configs: string[];
}

/** Seconds, whole: the node's deadline. The confirmed ones have time enough to show what leaves too late. */
export const DEADLINE_S = { confirmed: 12, plain: 3 } as const;
const TIMEOUT_S = 2;

export function flowOf(kind: FlowKind, sites: readonly Site[]): CampaignFlow {
  return kind === 'package' ? packageFlow(sites) : simpleFlow(sites);
}

const tab = (index: number): FlowNode => ({ id: `tab-${index}`, type: 'tab', label: `gateway ${index}` });
const place = (index: number, x: number): { z: string; x: number; y: number } => ({ z: `tab-${index}`, x, y: 40 });

function packageFlow(sites: readonly Site[]): CampaignFlow {
  const action = (index: number, confirm: boolean): FlowNode => ({
    id: entryOf(index, confirm),
    type: 'lock-action',
    ...place(index, 100),
    name: '',
    // Half of the commands go to a gateway whose name is spelt in another way.
    gateway: confirm ? `share-${index}` : `spelt-${index}`,
    identifier: '',
    action: 'message',
    confirm,
    deadline: confirm ? DEADLINE_S.confirmed : DEADLINE_S.plain,
    wires: [[`sink-${index}`]],
  });
  const entryOf = (index: number, confirm: boolean): string => `action-${index}-${confirm ? 'confirmed' : 'plain'}`;
  const share = (id: string, host: string, identifier: string): FlowNode => ({
    id,
    type: 'gateway-config',
    name: '',
    host,
    identifier,
    timeout: TIMEOUT_S,
    credentials: { code: CODE, sharedState: '' },
  });
  const nodes = sites.flatMap(({ host, otherHost, resident }, index): FlowNode[] => [
    tab(index),
    share(`share-${index}`, host, resident),
    share(`spelt-${index}`, otherHost, resident),
    action(index, true),
    action(index, false),
    {
      id: `status-${index}`,
      type: 'lock-status',
      ...place(index, 100),
      name: '',
      gateway: `share-${index}`,
      identifier: '',
      interval: 2,
      emit: index % 2 === 0 ? 'always' : 'change',
      wires: [[`sink-${index}`]],
    },
    { id: `sink-${index}`, type: 'probe-sink', ...place(index, 300), wires: [] },
    // As in any flow of somebody who cares: errors are caught, so they must be catchable.
    { id: `catch-${index}`, type: 'catch', ...place(index, 200), scope: null, uncaught: false, wires: [[]] },
  ]);
  const entries = sites.flatMap((_, index) => [entryOf(index, true), entryOf(index, false)]);
  return {
    nodes,
    entry: entryOf,
    actionNodes: new Set(entries),
    touchable: [...entries, ...sites.map((_, index) => `status-${index}`)],
    configs: sites.flatMap((_, index) => [`share-${index}`, `spelt-${index}`]),
  };
}

function simpleFlow(sites: readonly Site[]): CampaignFlow {
  const flows = sites.map(({ host, resident }, index) =>
    coreFlow(`core-${index}`, `tab-${index}`, host, resident, CODE, `core-${index}-sink`),
  );
  return {
    nodes: flows.flatMap(({ nodes }, index): FlowNode[] => [
      tab(index),
      ...nodes,
      { id: `core-${index}-sink`, type: 'probe-sink', ...place(index, 600), wires: [] },
      { id: `catch-${index}`, type: 'catch', ...place(index, 200), scope: null, uncaught: false, wires: [[]] },
    ]),
    entry: (index) => flows[index]?.first ?? '',
    actionNodes: undefined,
    touchable: flows.map(({ first }) => first),
    configs: [],
  };
}
