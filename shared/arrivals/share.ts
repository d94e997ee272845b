/** One agent's place and weight in the striping of a segment. */
export interface Share {
  readonly agentId: string;
  /** Whole, at least 0; a share's part of the arrivals is capacity / sum of capacities. */
  readonly capacity: number;
}
