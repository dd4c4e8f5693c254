/**
 * Where the command keeps its timestamps between calls: the user's state folder, as the platform has it.
 */
import os from 'node:os';
import path from 'node:path';

const NAME = 'the-keys';

/** Undefined where the user has none: no `HOME`, and no entry in the system's list of users. */
export function stateFolder(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
  home: string | null = homeFolder(),
): string | undefined {
  const { XDG_STATE_HOME: xdg = '', LOCALAPPDATA: local = '' } = env;
  // The XDG rules: a path that is not absolute does not count.
  if (path.isAbsolute(xdg)) return path.join(xdg, NAME);
  if (platform === 'win32' && local !== '') return path.join(local, NAME);
  if (home === null) return undefined;
  if (platform === 'darwin') return path.join(home, 'Library', 'Application Support', NAME);
  if (platform === 'win32') return path.join(home, 'AppData', 'Local', NAME);
  return path.join(home, '.local', 'state', NAME);
}

function homeFolder(): string | null {
  for (const find of [os.homedir, () => os.userInfo().homedir]) {
    try {
      const home = find();
      if (path.isAbsolute(home)) return home;
    } catch {
      // The system knows no such user, as in containers that run under any number.
    }
  }
  return null;
}
