/**
 * A network of our own: loopback alone does not do, for Matter finds its way by multicast over link-local addresses. Both
 * ends of a virtual cable lie in one namespace, so that processes in it see each other as on one wire.
 */
import { execFileSync } from 'node:child_process';

export interface Namespace {
  /** What runs a program in it. */
  command: string[];
  /** One end of the cable, for the bridge's own. */
  device: string;
  end(): void;
}

export function makeNamespace(): Namespace {
  const name = `keys-matter-${process.pid}`;
  const ip = (...words: string[]): void => void execFileSync('ip', words, { stdio: 'pipe' });
  ip('netns', 'add', name);
  const inside = ['netns', 'exec', name, 'ip'];
  ip(...inside, 'link', 'set', 'lo', 'up');
  ip(...inside, 'link', 'add', 'm-a', 'type', 'veth', 'peer', 'name', 'm-b');
  for (const device of ['m-a', 'm-b']) {
    // Without it an address is not used before it was looked for on the wire, which takes seconds.
    execFileSync('ip', ['netns', 'exec', name, 'sysctl', '-qw', `net.ipv6.conf.${device}.accept_dad=0`]);
    ip(...inside, 'link', 'set', device, 'up');
  }
  ip(...inside, 'address', 'add', '10.98.0.1/24', 'dev', 'm-a');
  ip(...inside, 'address', 'add', '10.98.0.2/24', 'dev', 'm-b');
  ip(...inside, 'route', 'add', 'default', 'via', '10.98.0.2', 'dev', 'm-a');
  return {
    command: ['ip', 'netns', 'exec', name],
    device: 'm-a',
    end: () => ip('netns', 'delete', name),
  };
}
