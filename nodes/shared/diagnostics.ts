/**
 * What a person sends along with a report: versions, the settings of a configuration without its credentials, and what the
 * package did last. The lines of the log hold no secret; here they are kept whatever level Node-RED logs at.
 */
import os from 'node:os';
import type { Node, NodeAPI } from 'node-red';
import { filtered, logWith, type Log } from '../../src/common/log';
import { packageVersion } from '../../src/common/package';
import { routesOf } from './admin';

/** Commands of which the lines are given, and lines that are kept. A command has a line at its end, and some before. */
const COMMANDS = 10;
const MOST_LINES = 300;

interface Line {
  at: number;
  ends: boolean;
  text: string;
}

/** By the side that the nodes belong to: the first word of their types. */
const lines = new Map<string, Line[]>();

const sideOf = (type: string): string => /^(google|sber|matter)-/.exec(type)?.[1] ?? 'gateway';

/** The log of a node, on one line each. Its last lines are kept. */
export function logOf(RED: NodeAPI, node: Node): Log {
  const side = sideOf(node.type);
  const kept = lines.get(side) ?? [];
  lines.set(side, kept);
  const takes = { warn: true, info: true, debug: isTaken(RED, 'debug'), trace: isTaken(RED, 'trace') };
  return filtered(
    logWith((level, text) => {
      kept.push({ at: Date.now(), ends: level === 'debug', text });
      // Seldom, because it moves all of them.
      if (kept.length > 2 * MOST_LINES) kept.splice(0, MOST_LINES);
      if (takes[level]) node[level === 'info' ? 'log' : level](text);
    }),
  );
}

/**
 * Whether a log in settings.js takes lines of this level. Node-RED gives each line an error with a stack, taken or not, which
 * would cost more than all the rest of a command.
 */
function isTaken(RED: NodeAPI, level: 'debug' | 'trace'): boolean {
  const { logging, verbose } = RED.settings as {
    logging?: Record<string, { level?: string } | null>;
    verbose?: boolean;
  };
  if (logging === undefined || verbose === true) return true;
  const deep = [...(level === 'debug' ? ['debug'] : []), 'trace', 'audit', 'metric'];
  return Object.values(logging).some((log) => deep.includes(log?.level ?? ''));
}

export function serveDiagnostics(
  RED: NodeAPI,
  type: string,
  credentials: readonly string[],
  moreVersions: () => Record<string, string> = () => ({}),
): void {
  routesOf(RED, type)('get', `/diagnostics/${type}/:id`, ({ id }) => {
    const versions = {
      package: packageVersion(),
      nodeRed: (RED.settings as { version?: unknown }).version,
      node: process.version,
      system: `${os.platform()} ${os.release()} ${os.arch()}`,
      ...moreVersions(),
    };
    return { type, versions, ...setUp(RED, type, String(id), credentials), log: lastCommands(sideOf(type)) };
  });
}

/** Of credentials only which ones are set. Addresses may hold a login, which does not belong there, but people type it. */
function setUp(RED: NodeAPI, type: string, id: string, credentials: readonly string[]): object {
  let found: object | undefined;
  RED.nodes.eachNode((node) => {
    if (node.id === id && node.type === type) found = { ...node, credentials: undefined };
  });
  if (found === undefined) return { deployed: false };
  const stored = RED.nodes.getCredentials(id) as Record<string, unknown> | null | undefined;
  const settings = Object.entries(found).map(([key, value]: [string, unknown]) => [
    key,
    typeof value === 'string' ? value.replace(/\/\/[^/@\s]*@/g, '//…@') : value,
  ]);
  return {
    deployed: true,
    settings: Object.fromEntries(settings) as object,
    credentials: Object.fromEntries(credentials.map((key) => [key, Boolean(stored?.[key])])),
  };
}

function lastCommands(side: string): string[] {
  const kept = (lines.get(side) ?? []).slice(-MOST_LINES);
  const ends = kept.flatMap(({ ends: isEnd }, index) => (isEnd ? [index] : []));
  const from = (ends.at(-COMMANDS - 1) ?? -1) + 1;
  return kept.slice(from).map(({ at, text }) => `${new Date(at).toISOString()} ${text}`);
}
