import assert from 'node:assert/strict';
import { isPin, sixteenBitSetting } from '../../../src/matter/bridge-settings';

describe('the settings of a Matter bridge', () => {
  const setting = sixteenBitSetting('the vendor ID', 0xfff1);

  it('are numbers as makers write them, and the default where nothing is typed', () => {
    assert.deepEqual(
      ['', undefined, '0xFFF1', '0x8000', '5540', 5541].map(setting.parse),
      [0xfff1, 0xfff1, 0xfff1, 0x8000, 5540, 5541],
    );
  });

  it('are refused by name where they cannot be one', () => {
    for (const value of ['0', '65536', '-1', '1.5', 'FFF1', '0x', '${UNSET}', true, {}]) {
      assert.throws(() => setting.parse(value), { code: 'INVALID_INPUT', message: /vendor ID/ }, JSON.stringify(value));
    }
  });

  it('have PINs that every app can pass on', () => {
    const pins = ['1234', '12345678', '123', '123456789', '12a4', ' 1234', ''];
    assert.deepEqual(pins.map(isPin), [true, true, false, false, false, false, false]);
  });
});
