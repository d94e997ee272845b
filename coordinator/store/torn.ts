/** A file that ends in the middle of an entry: its writer was killed. Everything before it is good. */
export interface TornTail {
  readonly path: string;
  /** Where the last whole entry ends, bytes; of the uncompressed contents where the file is compressed. */
  readonly wholeBytes: number;
}

export interface ReadOptions {
  /** Told once, after the last whole entry. */
  readonly onTorn?: (torn: TornTail) => void;
}
