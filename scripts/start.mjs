// `npm start`: Node-RED with this package, the demo flow and a simulated gateway, in one process and one temporary folder,
// both gone after Ctrl-C. The flow lives in demo/flows.json; what it talks to is started by demo/world.mjs.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildIfChanged } from './build-if-changed.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);
const manifest = require('../package.json');

/** How long closing may take: Node-RED's own limit for nodes is longer than anybody who pressed Ctrl-C wants to wait. */
const PATIENCE_MS = 5000;

const port = Number(process.env.PORT || 1880);
if (!Number.isInteger(port) || port < 0 || port > 65535)
  fail(`PORT is "${process.env.PORT}", which is no port number.`);

/** Undone in reverse order at the end. */
const undo = [];
let ending;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void end(0));
// A shell between npm and this process passes no signal on (hence `exec` in package.json, which Windows has not); and a
// killed npm tells nobody. Whoever started this being gone is the sign that works everywhere.
if (process.env.npm_lifecycle_event === 'start') {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) void end(0);
  }, 500).unref();
}
process.on('uncaughtException', (error) => {
  console.error(error);
  void end(1);
});

try {
  await main();
} catch (error) {
  if (ending === undefined) {
    console.error(error instanceof Error && error.plain ? error.message : error);
    await end(1);
  }
}

async function main() {
  const server = await listen();
  buildIfChanged((line) => console.log(line));
  console.log('Starting Node-RED and what it talks to …');
  const userDir = mkdtempSync(path.join(os.tmpdir(), 'the-keys-demo-'));
  process.on('exit', () => rmSync(userDir, { recursive: true, force: true, maxRetries: 3 }));

  const url = `http://127.0.0.1:${server.address().port}/`;
  const { startWorld } = await import(await compiledWorld());
  const folder = new URL('../demo/', import.meta.url);
  const world = await startWorld({ url, folder, env: process.env, say: (line) => console.log(line) });
  undo.push(() => world.close());
  Object.assign(process.env, world.env);
  furnish(userDir, world);

  const RED = require('node-red');
  RED.init(server, {
    userDir,
    uiHost: '127.0.0.1',
    uiPort: server.address().port,
    httpAdminRoot: '/',
    httpNodeRoot: '/',
    flowFile: 'flows.json',
    credentialSecret: false,
    logging: {
      console: { level: 'off' },
      terminal: { level: 'warn', metrics: false, audit: false, handler: terminal },
    },
    telemetry: { enabled: false, updateNotification: false },
    editorTheme: {
      tours: false,
      projects: { enabled: false },
      palette: { catalogues: [] },
      page: { title: 'The Keys: demo' },
      header: { title: 'The Keys: demo' },
    },
  });
  undo.push(() => RED.stop());
  const running = flowsRun(RED);
  await RED.start();
  server.handler = RED;

  await Promise.all([running, answers(url)]);
  if (ending !== undefined) return;
  world.greet();
  console.log('Ctrl-C ends it and removes everything it made.');
}

/** The simulators are TypeScript: they are bundled with the demo's world, and loaded only when the port is ours. */
async function compiledWorld() {
  const { build } = await import('esbuild');
  const outfile = path.join(root, '.tmp', 'world.mjs');
  const entry = path.join(root, 'demo', 'world.mjs');
  const form = { bundle: true, platform: 'node', format: 'esm', packages: 'external', logLevel: 'warning' };
  await build({ entryPoints: [entry], outfile, ...form });
  // A thread of its own, and in this form what it imports is loaded in its order.
  const app = path.join(root, 'simulators', 'matter', 'home-app.ts');
  await build({ ...form, entryPoints: [app], outfile: path.join(root, '.tmp', 'home-app.cjs'), format: 'cjs' });
  return pathToFileURL(outfile).href;
}

/** Takes the port first, so that one in use is told before anything else is started. */
async function listen() {
  const express = require('express');
  const app = express();
  const server = http.createServer(app);
  app.use((request, response, next) => {
    if (server.handler) next();
    else response.status(503).send('Node-RED is starting');
  });
  app.use((request, response, next) => server.handler.httpAdmin(request, response, next));
  app.use((request, response, next) => server.handler.httpNode(request, response, next));
  await new Promise((resolve, reject) => {
    server.once('error', (error) => {
      if (error.code === 'EADDRINUSE') {
        reject(plain(`Port ${port} is in use. Stop what uses it, or choose another one: PORT=${port + 1} npm start`));
      } else if (error.code === 'EACCES') {
        reject(plain(`Port ${port} is not allowed for you. Choose one above 1023: PORT=1880 npm start`));
      } else reject(error);
    });
    server.listen(port, '127.0.0.1', resolve);
  });
  undo.push(() => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    return closed;
  });
  return server;
}

/** A user directory as if somebody had installed the package there and drawn the demo's flow. */
function furnish(userDir, world) {
  const modules = path.join(userDir, 'node_modules');
  mkdirSync(modules);
  symlinkSync(root, path.join(modules, manifest.name), 'junction');
  const files = {
    'package.json': { name: 'the-keys-demo', private: true, dependencies: { [manifest.name]: manifest.version } },
    'flows.json': world.flows,
    'flows_cred.json': world.credentials,
  };
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(path.join(userDir, name), JSON.stringify(content), { mode: 0o600 });
  }
}

/** Shows errors, and what nodes have to say. Node-RED's own warnings about the settings above would only worry people. */
function terminal() {
  const ERROR = 20;
  return ({ level, id, type, name, msg }) => {
    if (level > ERROR && id === undefined) return;
    const source = type === undefined ? 'Node-RED' : `${type}${name ? ` "${name}"` : ''}`;
    console.log(`${source}: ${msg instanceof Error || typeof msg === 'string' ? msg : JSON.stringify(msg)}`);
  };
}

/** Resolves when the flows run, which is later than that they can be read: a button pressed in between does nothing. */
function flowsRun(RED) {
  return new Promise((resolve) => {
    RED.events.once('flows:started', resolve);
    // Flows that cannot start are a matter for the editor, which tells why.
    RED.events.on('runtime-event', ({ id, payload }) => {
      if (id === 'runtime-state' && payload?.error) resolve();
    });
  });
}

/** Resolves when the editor can really be opened. */
async function answers(url) {
  for (;;) {
    const status = await fetch(new URL('flows', url), { signal: AbortSignal.timeout(PATIENCE_MS) }).then(
      (response) => response.status,
      () => 0,
    );
    if (status === 200 || ending !== undefined) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Ctrl-C in a terminal reaches this process twice, from the terminal and from npm: the first one counts. */
function end(code) {
  ending ??= (async () => {
    setTimeout(() => process.exit(code), PATIENCE_MS).unref();
    for (const step of undo.reverse()) {
      try {
        await step();
      } catch (error) {
        console.error(error);
      }
    }
    process.exit(code);
  })();
  return ending;
}

function plain(message) {
  return Object.assign(new Error(message), { plain: true });
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
