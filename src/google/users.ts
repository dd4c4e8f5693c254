/** The people who may link: the list as it is typed into the account. */

/** A person whom the account has on its list. */
export interface ListedUser {
  name: string;
  password: string;
}

/** Node-RED fills in a variable only where it is the whole field; a line with one would be a password that all can read. */
const VARIABLE = /\$\{\w+\}/;

/**
 * Reads the configured list. A password is everything after the first colon of its line, colons and spaces included.
 * `problems` name the lines that were skipped, without quoting them.
 */
export function parseUsers(text: string): { users: ListedUser[]; problems: string[] } {
  const users: ListedUser[] = [];
  const problems: string[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.replace(/\r$/, '');
    if (line.trim() === '') continue;
    const colon = line.indexOf(':');
    const name = normalName(line.slice(0, Math.max(0, colon)));
    const password = line.slice(colon + 1);
    const which = `line ${index + 1}`;
    if (VARIABLE.test(line)) problems.push(`${which} has a variable in it, and Node-RED fills in whole fields only`);
    else if (colon < 0 || name === '' || password === '') problems.push(`${which} is not "name:password"`);
    else if (users.some((user) => user.name === name)) problems.push(`${which} repeats a name`);
    else users.push({ name, password });
  }
  return { users, problems };
}

/** Phones and keyboards differ in how they write an accented letter, and like to add a space. */
export function normalName(name: string): string {
  return name.normalize('NFC').trim();
}
