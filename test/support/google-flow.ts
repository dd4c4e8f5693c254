/** Parts of flows with Google that more than one test or measurement posts to a real Node-RED. */
import type { FlowNode } from './node-red';

/** An account that anna can link. @param sharedState address of a Redis; empty for the user directory */
export function linkableAccount(id: string, sharedState = ''): FlowNode {
  return {
    id,
    type: 'google-smarthome-config',
    name: '',
    path: '',
    projectId: 'demo-home-project',
    homeGraphEndpoint: '',
    credentials: {
      clientId: 'demo-client',
      clientSecret: 'demo-client-secret',
      users: 'anna:correct horse',
      serviceAccountKey: '',
      sharedState,
    },
  };
}

/** A lock in the flow that does at once what it is told. */
export function obedientLock(id: string, place: { z: string; x: number; y: number }, next: string): FlowNode {
  return {
    id,
    type: 'function',
    ...place,
    func: 'msg.payload = { isLocked: msg.payload.params.lock, isJammed: false }; return msg;',
    outputs: 1,
    libs: [],
    wires: [[next]],
  };
}
