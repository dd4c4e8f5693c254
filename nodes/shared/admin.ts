/**
 * How the package answers the editor's dialogs: JSON, never cached, an error of ours as an answer too, and only to pages of
 * this Node-RED.
 */
import type { Request, Response } from 'express';
import type { NodeAPI } from 'node-red';
import { invalidInput } from '../../src/common/errors';
import { foreignText } from '../../src/common/foreign';
import { isRecord } from '../../src/common/json';
import { asCoded } from './errors';

/** The editor's stand-in for a password that it does not know. */
const PLACEHOLDER = '__PWRD__';

export type Body = Readonly<Record<string, unknown>>;

/** A credential as typed, or the one that is stored where the field still shows dots. */
export function stored(RED: NodeAPI, id: unknown, key: string, typed: unknown): unknown {
  if (typed !== PLACEHOLDER) return typed;
  const credentials = typeof id === 'string' ? (RED.nodes.getCredentials(id) as Body | null | undefined) : undefined;
  return credentials?.[key];
}

/** As Node-RED fills a variable in at deploy: where it is the whole value. */
export function substituted(RED: NodeAPI, value: unknown): unknown {
  if (typeof value !== 'string' || !/^\$\{[^}]+\}$/.test(value.trim())) return value;
  const name = value.trim().slice(2, -1);
  return (RED.util as unknown as { getSetting: (node: null, name: string) => unknown }).getSetting(null, name) ?? value;
}

/** Gets what stands in the path, or for a `post` the body, and a signal that is aborted when the dialog is closed. */
type Work = (body: Body, signal: AbortSignal) => object | Promise<object>;
type Route = (method: 'get' | 'post', path: string, work: Work) => void;

/** Registers addresses for the dialog of a type: `get` for those who may see flows, `post` for those who may change them. */
export function routesOf(RED: NodeAPI, type: string): Route {
  return (method, path, work) => {
    const permission = RED.auth.needsPermission(`${type}.${method === 'get' ? 'read' : 'write'}`);
    RED.httpAdmin[method](`/thekeys-gateway${path}`, permission, (request, response) => {
      const body: unknown = method === 'get' ? request.params : request.body;
      if (method === 'post' && request.is('application/json') === false) refuse(response, 415, 'send JSON');
      else if (isForeign(request)) refuse(response, 403, 'only a page of this Node-RED may ask this');
      else void answer(response, isRecord(body) ? body : {}, work);
    });
  };
}

async function answer(response: Response, body: Body, work: Work): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => gone.abort(invalidInput('the dialog was closed')));
  response.set('Cache-Control', 'no-store');
  try {
    response.json(await work(body, gone.signal));
  } catch (thrown) {
    const { code, message, cause, badge } = asCoded(thrown);
    const hint = foreignText(cause.hint, 400);
    response.json({ error: { code, about: badge, message: foreignText(message), hint } });
  }
}

function refuse(response: Response, status: number, message: string): void {
  response.status(status).json({ error: { code: 'INVALID_INPUT', message, hint: '' } });
}

/**
 * Without `adminAuth` any page that a browser shows could ask here: Node-RED lets every origin read the answers of its
 * admin side. A form of another page cannot send JSON, and a script of another page says where it comes from.
 */
function isForeign(request: Request): boolean {
  const site = request.get('sec-fetch-site');
  return site === undefined ? isOtherHost(request) : site !== 'same-origin' && site !== 'none';
}

function isOtherHost(request: Request): boolean {
  const origin = request.get('origin');
  if (origin === undefined) return false;
  const hosts = [request.get('host'), ...(request.get('x-forwarded-host') ?? '').split(',')];
  return !URL.canParse(origin) || !hosts.map((host) => host?.trim()).includes(new URL(origin).host);
}
