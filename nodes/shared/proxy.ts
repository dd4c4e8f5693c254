/** The proxy for an account's cloud: Node-RED's own proxy node where the user picked one, or else the environment's. */
import type { Node, NodeAPI } from 'node-red';
import { invalidInput } from '../../src/common/errors';
import { proxyFromEnvironment, proxyFromNode, type ProxyNode, type ProxySettings } from '../../src/common/proxy';

/** @param id of a node "http proxy"; empty for the environment's @throws CodedError INVALID_INPUT */
export function proxyOf(RED: NodeAPI, id: string): ProxySettings {
  if (id === '') return proxyFromEnvironment(process.env);
  const node = RED.nodes.getNode(id) as (Node & ProxyNode) | null;
  if (node?.type === 'http proxy') return proxyFromNode(node);
  throw invalidInput(
    'the chosen proxy is disabled or was removed',
    'Choose a proxy in the account, or none, then deploy.',
  );
}
