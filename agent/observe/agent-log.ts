import type { Logger } from "pino";
import type { AgentNews, OnAgentNews } from "../news.ts";

/** Writes an agent's news to its log. Fields: `run`, `segment`, and what the news is about. */
export function logAgentNews(log: Logger): OnAgentNews {
  return (news) => {
    if ("runId" in news) {
      logRunNews(log.child({ run: news.runId }), news);
      return;
    }
    switch (news.kind) {
      case "waiting":
        log.warn({ code: news.error.code }, `${news.error.message}; this agent waits for it`);
        break;
      case "connected":
        log.info({ server: news.server }, "connected to the message engine");
        break;
      case "disconnected":
        log.warn({ server: news.server }, "lost the message engine; reconnects");
        break;
      case "joined":
        log.info({ cleanRatePerSecond: Math.round(news.cleanRatePerSecond) }, "joined the fleet");
        break;
      case "leaving":
        log.info("was told to drain: takes no further run");
        break;
      case "refused":
        log.warn({ asked: news.asked, code: news.refusal.code }, news.refusal.message);
        break;
      case "fault":
        log.warn({ error: news.error }, "refused a control message");
    }
  };
}

function logRunNews(log: Logger, news: Extract<AgentNews, { readonly runId: string }>): void {
  switch (news.kind) {
    case "prepared":
      log.info({ incarnation: news.incarnation }, "prepared for a run");
      break;
    case "segment":
      if (news.started) log.info({ segment: news.segment }, "segment started");
      else log.warn({ segment: news.segment }, "segment not started: its lease had not come");
      break;
    case "sealed": {
      const { firingSegment: segment, totals, open } = news.sealed;
      log.debug({ segment, fired: totals.fired, ok: totals.ok, open }, "interval sealed");
      break;
    }
    case "stopped":
      log.info("stopped firing");
      break;
    case "released":
      log.info("released: everything is reported");
      break;
    case "abandoned":
      log.warn("gave the run up");
  }
}
