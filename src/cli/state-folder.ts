/**
 * Where the command keeps its timestamps between calls: the user's state folder, as the platform has it.
 */
import os from 'node:os';
import path from 'node:path';

const NAME = 'the-keys';

export function stateFolder(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
  home = os.homedir(),
): string {
  const { XDG_STATE_HOME: xdg = '', LOCALAPPDATA: local = '' } = env;
  // The XDG rules: a path that is not absolute does not count.
  if (path.isAbsolute(xdg)) return path.join(xdg, NAME);
  if (platform === 'darwin') return path.join(home, 'Library', 'Application Support', NAME);
  if (platform === 'win32') return path.join(local === '' ? path.join(home, 'AppData', 'Local') : local, NAME);
  return path.join(home, '.local', 'state', NAME);
}
