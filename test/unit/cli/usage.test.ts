import assert from 'node:assert/strict';
import { parse, UsageError, verbHelp } from '../../../src/cli/usage';

describe('what may be typed after the-keys', () => {
  const wrong = (args: string[], code?: string): string => {
    try {
      parse(args, code);
    } catch (error) {
      assert.ok(error instanceof UsageError);
      return error.message;
    }
    return assert.fail(`taken: ${args.join(' ')}`);
  };

  it('takes options before and after the verb, short and long', () => {
    const expected = {
      kind: 'run',
      verb: 'open',
      options: { host: 'gate:8080', identifier: '7', code: 'demo-share-code-1' },
    };
    for (const line of [
      '--host gate:8080 -i 7 -c demo-share-code-1 open',
      'open --host=gate:8080 --identifier 7 --code demo-share-code-1',
    ]) {
      assert.deepEqual(JSON.parse(JSON.stringify(parse(line.split(' ')))), expected);
    }
  });

  it('takes the share code from the environment, unless it is given', () => {
    const code = (args: string[]): string | undefined => {
      const parsed = parse(args, 'from-environment');
      return parsed.kind === 'run' ? parsed.options.code : undefined;
    };
    assert.equal(code(['-i', '7', 'open']), 'from-environment');
    assert.equal(code(['-i', '7', '-c', 'typed', 'open']), 'typed');
    assert.equal(code(['-i', '7', '-c', ' ', 'open']), 'from-environment');
    assert.equal(code(['simulate']), undefined);
  });

  it('says which option a verb needs', () => {
    for (const verb of ['open', 'close', 'locker_status', 'calibrate']) {
      assert.match(wrong([verb, '-c', 'x']), /needs -i, --identifier/);
      assert.match(wrong([verb, '-i', '7']), /needs -c, --code/);
      for (const blank of ['', ' ', '\t']) {
        assert.match(wrong([verb, '-i', blank, '-c', 'x']), /needs -i/);
        assert.match(wrong([verb, '-i', '7', '-c', blank]), /needs -c/);
      }
    }
    for (const verb of ['synchronize_locker', 'update_locker']) assert.match(wrong([verb]), /needs -i/);
    for (const verb of ['search', 'status', 'synchronize', 'update']) assert.equal(parse([verb]).kind, 'run');
  });

  it('refuses what it does not know, and never repeats a value', () => {
    assert.match(wrong([]), /which verb/);
    assert.match(wrong(['opne']), /no such verb/);
    assert.match(wrong(['toString']), /no such verb/);
    assert.match(wrong(['search', '--prot', '1']), /unknown option '--prot'/i);
    assert.match(wrong(['search', '--port', '1']), /search has no option --port/);
    for (const args of [
      ['open', '-i', '7', '--cdoe=secret'],
      ['open', '-i', '7', '-c', 'x', 'secret'],
      ['secret'],
      ['open', '--identifier', '-c', 'secret'],
    ]) {
      assert.ok(!wrong(args).includes('secret'), args.join(' '));
    }
  });

  it('helps, for the whole and for each verb', () => {
    const help = parse(['--help']);
    assert.ok(help.kind === 'help');
    const verbs =
      'open close search synchronize update synchronize_locker update_locker status locker_status calibrate share simulate';
    for (const verb of verbs.split(' ')) {
      assert.match(help.text, new RegExp(`^  ${verb} `, 'm'));
      const own = parse([verb, '--help']);
      assert.ok(own.kind === 'help' && own.text.includes(`the-keys ${verb}:`), verb);
    }
    assert.match(verbHelp('simulate'), /ID:CODE/);
    assert.match(verbHelp('share'), /THE_KEYS_PASSWORD/);
    for (const line of help.text.split('\n')) assert.ok(line.length <= 100, line);
  });
});
