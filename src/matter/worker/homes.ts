/** The homes that a bridge is paired with, in words for a person. */
import { FabricManager } from '@matter/main/protocol';
import type { ServerNode } from '@matter/main';
import type { Home } from '../port';

/** Who pairs, from the ledger that the Connectivity Standards Alliance publishes. */
const VENDORS: Readonly<Record<number, string>> = {
  0x100b: 'Philips Hue',
  0x110a: 'SmartThings',
  0x115f: 'Aqara',
  0x117c: 'IKEA',
  0x1217: 'Amazon Alexa',
  0x125d: 'Tuya',
  0x1349: 'Apple Home',
  0x134b: 'Home Assistant',
  0x1384: 'Apple Keychain',
  0x6006: 'Google Home',
};

export function homesOf(node: ServerNode): Home[] {
  return node.env.get(FabricManager).fabrics.map(({ fabricIndex, label, rootVendorId }) => ({
    index: fabricIndex,
    label,
    vendor: VENDORS[rootVendorId] ?? `0x${rootVendorId.toString(16).toUpperCase().padStart(4, '0')}`,
  }));
}
