import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.zip.DataFormatException;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.HistogramIterationValue;

/**
 * The other side of the interoperability proof: the reference implementation of HdrHistogram.
 *
 *     java -cp HdrHistogram.jar HdrGolden.java read FILE...      prints what it decodes, a line a file
 *     java -cp HdrHistogram.jar HdrGolden.java write FOLDER      writes the histograms below
 */
public final class HdrGolden {
  private static final long HIGHEST_TICKS = 3_600_000_000L;

  public static void main(String[] arguments) throws IOException, DataFormatException {
    if (arguments[0].equals("write")) {
      writeAll(Path.of(arguments[1]));
      return;
    }
    for (int i = 1; i < arguments.length; i++) System.out.println(describe(Path.of(arguments[i])));
  }

  private static String describe(Path file) throws IOException, DataFormatException {
    byte[] bytes = Files.readAllBytes(file);
    Histogram histogram =
        file.toString().endsWith(".hlog64")
            ? Histogram.decodeFromCompressedByteBuffer(
                ByteBuffer.wrap(Base64.getDecoder().decode(new String(bytes).trim())), 0)
            : Histogram.decodeFromByteBuffer(ByteBuffer.wrap(bytes), 0);
    StringBuilder line = new StringBuilder();
    line.append(file.getFileName());
    line.append(" digits=").append(histogram.getNumberOfSignificantValueDigits());
    line.append(" lowest=").append(histogram.getLowestDiscernibleValue());
    line.append(" highest=").append(histogram.getHighestTrackableValue());
    line.append(" count=").append(histogram.getTotalCount());
    for (double percentile : new double[] {50, 75, 90, 95, 99, 99.9, 100}) {
      line.append(" p").append(percentile).append('=');
      line.append(histogram.getValueAtPercentile(percentile));
    }
    long checksum = 0;
    for (HistogramIterationValue bucket : histogram.recordedValues()) {
      // Any shift of a bucket or slip of a count changes it; wraps like a 64-bit integer.
      checksum = checksum * 31 + bucket.getValueIteratedTo() * 7 + bucket.getCountAtValueIteratedTo();
    }
    return line.append(" checksum=").append(checksum).toString();
  }

  private static void writeAll(Path folder) throws IOException {
    Histogram empty = newHistogram();
    write(folder.resolve("java-empty.hdr"), empty);

    Histogram few = newHistogram();
    for (long ticks : new long[] {0, 1, 2047, 2048, 4096, 123_456, HIGHEST_TICKS}) {
      few.recordValue(ticks);
    }
    few.recordValueWithCount(1_000_000, 5_000_000_000L);
    write(folder.resolve("java-few.hdr"), few);

    Histogram many = newHistogram();
    long state = 42;
    for (int i = 0; i < 20_000; i++) {
      state = (state * 1_103_515_245L + 12_345L) % 2_147_483_648L;
      many.recordValue(1000 + state % (1 + state % 997_000));
    }
    write(folder.resolve("java-many.hdr"), many);
  }

  private static Histogram newHistogram() {
    return new Histogram(1, HIGHEST_TICKS, 3);
  }

  private static void write(Path file, Histogram histogram) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(histogram.getNeededByteBufferCapacity());
    int length = histogram.encodeIntoByteBuffer(buffer);
    byte[] bytes = new byte[length];
    buffer.flip();
    buffer.get(bytes);
    Files.write(file, bytes);
  }
}
