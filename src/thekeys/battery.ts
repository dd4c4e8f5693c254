/**
 * Battery voltage to percent, for both families of locks. The two scales share nothing, so the voltage tells the family.
 */

interface Scale {
  emptyMillivolts: number;
  fullMillivolts: number;
}

/**
 * The low family has no published calibration; its ends are those of the vendor's own plug-in for eedomus. The ends of
 * the high one are fitted to what the vendor's app showed for 7783, 7951, 8030 and 8131 mV: 76, 87, 91 and 95 %.
 */
const LOW_FAMILY: Scale = { emptyMillivolts: 3100, fullMillivolts: 4000 };
const HIGH_FAMILY: Scale = { emptyMillivolts: 6395, fullMillivolts: 8204 };
const FAMILY_BORDER_MILLIVOLTS = 5000;

/**
 * Percent, a whole number from 0 to 100, or null where there is no voltage: missing, or 0 as of a lock that the gateway
 * has never heard.
 */
export function batteryPercent(millivolts: number | null | undefined): number | null {
  if (millivolts === null || millivolts === undefined || !Number.isFinite(millivolts) || millivolts <= 0) return null;
  const scale = millivolts < FAMILY_BORDER_MILLIVOLTS ? LOW_FAMILY : HIGH_FAMILY;
  const share = (millivolts - scale.emptyMillivolts) / (scale.fullMillivolts - scale.emptyMillivolts);
  return Math.floor(Math.min(1, Math.max(0, share)) * 100);
}
