/**
 * One campaign: a real Node-RED, commands at random moments, and everything going wrong around it, by a seed. When all
 * commands were given, the world calms down, what is under way may end, and the books are closed.
 */
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { seeded } from '../simulators/random';
import { NodeRed, type DeployType, type FlowNode } from '../test/support/node-red';
import { ProbeLink } from '../test/support/probe-link';
import { transpile } from '../test/support/transpile';
import { DEADLINE_S, flowOf, type CampaignFlow, type FlowKind } from './flows';
import { HEALTHY, type Ills } from './ills';
import { Ledger, type Command, type Tally } from './ledger';
import { StateFolder } from './state-folder';
import { machineClock, World } from './world';

export interface CampaignOptions {
  kind: FlowKind;
  seed: number;
  commands: number;
  gateways: number;
  /** Nothing goes wrong but the process being stopped, again and again, for moments and for longer than an answer may take. */
  stalls: boolean;
  /** Told now and then how far it is. */
  progress: (text: string) => void;
}

/** From 0 to 1, by the seed. */
type Chance = () => number;
/** Its name, how often it happens among the others, and how to bring it about. A text that comes back is a name that says more. */
type Disturbance = [name: string, weight: number, bring: (chance: Chance) => Promise<unknown>];

/** Seconds by which the clock of Node-RED's machine is set wrong, in turn; it is set right between. */
const CLOCK_SHIFTS_S = [-3600, 3600, -5, 5, -86_400, 300];
const MEAN_PAUSE_MS = 55;
/** Reading back, or settling a lost answer, has up to 30 s after the deadline. */
const QUIET_MS = 45_000;

export async function runCampaign(options: CampaignOptions): Promise<Tally> {
  const campaign = await Campaign.start(options);
  try {
    return await campaign.run();
  } finally {
    await campaign.stop();
  }
}

class Campaign {
  /** For the commands. What goes wrong has chance of its own, so that each goes its way by the seed, however fast the machine. */
  private readonly random: () => number;
  private readonly ledger: Ledger;
  private nodes: FlowNode[];
  /** No more commands come. */
  private finished = false;
  /** Nothing more is waited for. */
  private over = false;
  /** True while Node-RED is away by our doing. */
  private ourDoing = false;
  private deploys = 0;
  private readonly done: Record<string, number> = {};
  private ills = HEALTHY;

  private constructor(
    private readonly options: CampaignOptions,
    private readonly world: World,
    private readonly flow: CampaignFlow,
    private readonly folder: string,
    private readonly probe: ProbeLink,
    private readonly nodeRed: NodeRed,
    private readonly folderFault: StateFolder,
  ) {
    this.random = seeded(3 * options.seed);
    this.ledger = new Ledger(flow.actionNodes);
    this.nodes = flow.nodes;
    probe.onEvent = (event) => this.ledger.hear(event);
  }

  static async start(options: CampaignOptions): Promise<Campaign> {
    const world = await World.start(options.gateways, options.seed);
    const flow = flowOf(options.kind, world.sites);
    const folder = await mkdtemp(path.join(os.tmpdir(), 'faults-'));
    await writeFile(path.join(folder, 'ills'), JSON.stringify(HEALTHY));
    await transpile(path.join(__dirname, 'preload.ts'), path.join(folder, 'preload.js'));
    const probe = await ProbeLink.start();
    const nodeRed = await NodeRed.start({
      packages: { 'node-red-contrib-thekeys-gateway': process.cwd(), probe: probe.folder },
      env: {
        ...probe.env,
        FAULTS_ILLS_FILE: path.join(folder, 'ills'),
        FAULTS_DEPARTURES_FILE: path.join(folder, 'departures'),
        NODE_OPTIONS: `--require ${path.join(folder, 'preload.js')}`,
      },
    });
    const state = await StateFolder.place(nodeRed.userDir);
    const campaign = new Campaign(options, world, flow, folder, probe, nodeRed, state);
    await campaign.deploy('full');
    await campaign.arrived();
    return campaign;
  }

  async run(): Promise<Tally> {
    const watching = this.watch();
    const chaos = this.chaos();
    await this.command();
    this.finished = true;
    await chaos;
    this.world.calm();
    await this.quiet();
    this.over = true;
    await watching;
    this.options.progress(
      `disturbances: ${Object.entries(this.done)
        .map(([what, times]) => `${times} x ${what}`)
        .join(', ')}`,
    );
    const departures = await readFile(path.join(this.folder, 'departures'), 'utf8');
    for (const line of departures.trim().split('\n')) {
      const [lock = '', timestamp = '', at] = line.split(' ');
      this.ledger.departed(lock, timestamp, Number(at) / 1000);
    }
    const gateways = this.world.sites.map(({ gateway }) => gateway);
    return this.ledger.tally(gateways);
  }

  async stop(): Promise<void> {
    await this.nodeRed.stop();
    await this.folderFault.stop();
    await this.probe.stop();
    await this.world.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  private async command(): Promise<void> {
    const { commands, gateways } = this.options;
    let burst = 0;
    let gateway = 0;
    for (let id = 1; id <= commands; id += 1) {
      while (this.ourDoing) await sleep(50);
      // Now and then five locks of one gateway in one moment.
      if (burst > 0) burst -= 1;
      else {
        gateway = Math.floor(this.random() * gateways);
        if (this.random() < 0.02) burst = 4;
      }
      const kind = this.random();
      const action = kind < 0.45 ? 'open' : kind < 0.9 ? 'close' : 'toggle';
      const confirm = this.random() < 0.5;
      const state = this.random() < 0.7 === (action === 'close') ? 'open' : 'closed';
      const lock = String(10_000 + id);
      const deadlineMs = 1000 * (confirm ? DEADLINE_S.confirmed : DEADLINE_S.plain);
      this.world.addLock(this.world.site(gateway), lock, state, deadlineMs);
      const command: Command = {
        id,
        gateway,
        lock,
        initialState: state,
        action,
        deadlineMs,
        confirm,
        sentAt: machineClock.elapsed(),
      };
      this.ledger.command(command);
      // The core flow has no word for toggle: there it opens.
      const word = this.flow.actionNodes === undefined && action === 'toggle' ? 'open' : action;
      const message = { probe: id, payload: word, action: word, identifier: lock };
      if (!this.probe.send(this.flow.entry(gateway, confirm), message)) this.ledger.hear(notTaken(id));
      if (id % 500 === 0) this.options.progress(`${id} commands`);
      // Now and then many at once, as when a scene runs.
      if (burst === 0 && this.random() > 0.05) await sleep(-Math.log(1 - this.random()) * MEAN_PAUSE_MS);
    }
  }

  /** What befalls the process, and what befalls the world around it: side by side, so that they meet. */
  private async chaos(): Promise<void> {
    const inside: Disturbance[] = [
      ['kill -9', 2, (chance) => this.killNodeRed(chance)],
      ['stalled process', 2, (chance) => this.stall(chance)],
      ['deploy of nodes', 4, (chance) => this.touch('nodes', this.flow.touchable, chance)],
      ['deploy of flows', 2, (chance) => this.touch('flows', this.flow.touchable, chance)],
      ['deploy of a changed gateway', 2, (chance) => this.touch('nodes', this.flow.configs, chance)],
      ['full deploy', 2, (chance) => this.touch('full', this.flow.touchable, chance)],
      ['restart of the flows', 2, () => this.deploy('reload')],
      ['clock set wrong', 3, (chance) => this.setClock(chance)],
      ['state folder that cannot be written', 2, (chance) => this.breakFolder(chance)],
      ['slow flushes', 2, (chance) => this.suffer({ flushMs: 2000 }, chance)],
      ['flushes that hang', 1, (chance) => this.suffer({ flushMs: 3_600_000 }, chance)],
      ['look-ups that hang', 2, (chance) => this.suffer({ lookupMs: 20_000 }, chance)],
    ];
    const outside: Disturbance[] = [
      ['connections cut', 4, (chance) => this.network('cut', chance)],
      ['network that swallows', 2, (chance) => this.network('swallow', chance)],
      ['gateway gone', 3, (chance) => this.leave(chance)],
      ['lock turned by hand', 6, (chance) => this.turn(chance)],
      ['lock moved from elsewhere', 6, (chance) => this.moveElsewhere(chance)],
      ['lost poll', 6, (chance) => this.losePoll(chance)],
    ];
    const { stalls, seed } = this.options;
    if (stalls) {
      await this.disturb(
        inside.filter(([name]) => name === 'stalled process'),
        seeded(3 * seed + 1),
        (chance) => 100 + chance() * 200,
      );
      return;
    }
    const pauseMs = (chance: Chance): number => 300 + chance() * 1500;
    await Promise.all([
      this.disturb(inside, seeded(3 * seed + 1), pauseMs),
      this.disturb(outside, seeded(3 * seed + 2), pauseMs),
    ]);
  }

  /** One after the other, until no more commands come. */
  private async disturb(
    disturbances: readonly Disturbance[],
    chance: Chance,
    pauseMs: (chance: Chance) => number,
  ): Promise<void> {
    const whole = disturbances.reduce((sum, [, weight]) => sum + weight, 0);
    while (!this.finished) {
      await sleep(pauseMs(chance));
      let at = chance() * whole;
      const chosen = disturbances.find(([, weight]) => (at -= weight) < 0);
      if (chosen === undefined) continue;
      const [general, , disturb] = chosen;
      const from = machineClock.elapsed();
      const told = await disturb(chance);
      const name = typeof told === 'string' ? told : general;
      this.ledger.disturbance(name, from, machineClock.elapsed());
      this.done[name] = (this.done[name] ?? 0) + 1;
    }
  }

  /** Whether Node-RED ends without our doing: then it is counted, and started again. */
  private async watch(): Promise<void> {
    while (!this.over) {
      await sleep(100);
      if (this.nodeRed.alive || this.ourDoing) continue;
      this.options.progress(`Node-RED ended by itself:\n${this.nodeRed.log.slice(-2000)}`);
      this.ledger.died();
      await this.revive();
    }
  }

  private async killNodeRed(chance: Chance): Promise<void> {
    this.ourDoing = true;
    await this.nodeRed.kill();
    this.ledger.killed();
    await sleep(chance() * 500);
    await this.revive();
  }

  private async revive(): Promise<void> {
    this.ourDoing = true;
    await this.nodeRed.restart();
    await this.arrived();
    this.ourDoing = false;
  }

  private async arrived(): Promise<void> {
    await this.probe.connected();
    await this.probe.ask({ do: 'watch' });
  }

  private async stall(chance: Chance): Promise<void> {
    process.kill(this.nodeRed.pid, 'SIGSTOP');
    const short = this.options.stalls && chance() < 0.5;
    await sleep(short ? 150 + chance() * 100 : 500 + chance() * 4000);
    process.kill(this.nodeRed.pid, 'SIGCONT');
  }

  private async touch(type: DeployType, ids: readonly string[], chance: Chance): Promise<void> {
    const chosen = new Set([pick(ids, chance), pick(ids, chance)]);
    this.nodes = this.nodes.map((node) =>
      chosen.has(node.id) ? { ...node, name: `touched ${(this.deploys += 1)}` } : node,
    );
    await this.deploy(type);
  }

  private async deploy(type: DeployType): Promise<void> {
    if (this.ourDoing || !this.nodeRed.alive) return;
    await this.nodeRed.deploy(this.nodes, type);
    // Node-RED keeps the credentials. Posted again, they would make every node that has some a changed one.
    this.nodes = this.nodes.map(
      (node) => Object.fromEntries(Object.entries(node).filter(([key]) => key !== 'credentials')) as FlowNode,
    );
  }

  private setClock(chance: Chance): Promise<void> {
    const shift = CLOCK_SHIFTS_S[Math.floor(chance() * CLOCK_SHIFTS_S.length)] ?? 0;
    return this.suffer({ clockMs: shift * 1000 }, chance);
  }

  private async suffer(ills: Partial<Ills>, chance: Chance): Promise<void> {
    await this.setIlls({ ...this.ills, ...ills });
    await sleep(1000 + chance() * 3000);
    await this.setIlls(HEALTHY);
  }

  private async setIlls(ills: Ills): Promise<void> {
    this.ills = ills;
    const file = path.join(this.folder, 'ills');
    await writeFile(`${file}.new`, JSON.stringify(ills));
    await rename(`${file}.new`, file);
  }

  private async breakFolder(chance: Chance): Promise<string> {
    const { kind, end } = await this.folderFault.begin(chance());
    await sleep(1000 + chance() * 3000);
    await end();
    return `state folder ${kind}`;
  }

  private async network(how: 'cut' | 'swallow', chance: Chance): Promise<void> {
    const proxies = this.world.sites.flatMap(({ proxy }) => (proxy === undefined ? [] : [proxy]));
    const proxy = pick(proxies, chance);
    if (how === 'cut') {
      proxy?.cut();
      return;
    }
    if (proxy === undefined) return;
    proxy.blackHole = true;
    await sleep(500 + chance() * 3000);
    proxy.cut();
    proxy.blackHole = false;
  }

  private leave(chance: Chance): Promise<void> {
    pick(this.world.sites, chance)?.gateway.goAway(300 + chance() * 4000);
    return Promise.resolve();
  }

  private turn(chance: Chance): Promise<void> {
    const site = pick(this.world.sites, chance);
    if (site !== undefined) {
      const lock = site.gateway.lock(site.resident);
      lock.turnByHand();
      this.ledger.turned(site.resident, machineClock.elapsed(), lock.state);
    }
    return Promise.resolve();
  }

  /** From the app, or a keypad: the gateway knows nothing of it. */
  private moveElsewhere(chance: Chance): Promise<void> {
    const site = pick(this.world.sites, chance);
    if (site !== undefined) {
      const lock = site.gateway.lock(site.resident);
      const to = lock.state === 'open' ? 'closed' : 'open';
      const { travelMs } = site.gateway.times;
      lock.moveElsewhere(to, travelMs);
      this.ledger.turned(site.resident, machineClock.elapsed() + travelMs, to);
    }
    return Promise.resolve();
  }

  /** The gateway swallows the next list, or the next reading. */
  private losePoll(chance: Chance): Promise<void> {
    const path = chance() < 0.5 ? '/lockers' : '/locker_status';
    pick(this.world.sites, chance)?.gateway.faults.next({ kind: 'hang', path });
    return Promise.resolve();
  }

  /** Until everything ended that can. */
  private async quiet(): Promise<void> {
    const until = machineClock.elapsed() + QUIET_MS;
    await sleep(1000);
    while (this.ledger.open > 0 && machineClock.elapsed() < until) await sleep(200);
    // A second `done`, or a command that comes late, would come now.
    await sleep(2000);
  }
}

function pick<T>(from: readonly T[], chance: Chance): T | undefined {
  return from[Math.floor(chance() * from.length)];
}

function notTaken(id: number): { event: 'sent'; id: number; taken: boolean; at: number } {
  return { event: 'sent', id, taken: false, at: 0 };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
