import { startReportServer } from "../../../coordinator/link/grpc-report-server.ts";
import { openRunFolder } from "../../../coordinator/store/run-folder.ts";

/**
 * A coordinator's result path alone, in a process that a test may kill: keeps reports in a run folder.
 * Arguments: directory, port, token. Tells its parent the port, and then how many reports it has kept.
 */
const [directory = "", port = "0", runToken = ""] = process.argv.slice(2);
const store = await openRunFolder(directory, { records: true });
let kept = 0;
const server = await startReportServer({
  host: "127.0.0.1",
  port: Number(port),
  runToken,
  receiver: {
    async onInterval(report) {
      await store.appendInterval(report);
      kept += 1;
      process.send?.({ kept });
      return undefined;
    },
    async onRecords(batch) {
      await store.appendRecords(batch);
      return undefined;
    },
  },
});
process.on("message", () => {
  void server
    .close()
    .then(() => store.close())
    .then(() => {
      process.disconnect();
    });
});
process.send?.({ url: server.address.url });
