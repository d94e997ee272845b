/** Factors between the units that names in this code base end in. */
export const MS_PER_SECOND = 1_000;
export const NS_PER_US = 1_000;
export const NS_PER_MS = 1_000_000;
export const NS_PER_SECOND = 1_000_000_000;
