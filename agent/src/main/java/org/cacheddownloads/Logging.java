package org.cacheddownloads;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.JsonEncoder;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.encoder.Encoder;
import org.slf4j.LoggerFactory;

/**
 * Where log lines go and how they look: to standard error, as text or JSON, with priorities where
 * that leads to the journal.
 */
final class Logging {
  private static final String PATTERN =
      "%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX, UTC} %-5level %logger{0} %replace(%replace(%msg %kvp{NONE}){' $', ''}){'\\p{Cntrl}', '?'}%n";
  private static final String LIBRARIES = "warn";

  private Logging() {}

  /**
   * @param format {@code text} or {@code json}
   */
  static void start(String level, String format) {
    LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
    context.reset();
    var appender = new ConsoleAppender<ILoggingEvent>();
    appender.setContext(context);
    appender.setTarget("System.err");
    var lines = encoder(context, format);
    appender.setEncoder(JournalEncoder.isWanted(System.getenv()) ? journal(lines) : lines);
    appender.start();
    var root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    root.setLevel(Level.toLevel(LIBRARIES));
    root.addAppender(appender);
    level(level);
  }

  private static Encoder<ILoggingEvent> journal(Encoder<ILoggingEvent> lines) {
    var journal = new JournalEncoder(lines);
    journal.start();
    return journal;
  }

  private static Encoder<ILoggingEvent> encoder(LoggerContext context, String format) {
    if (format.equals("json")) {
      var json = new JsonEncoder();
      json.setContext(context);
      json.setWithFormattedMessage(true);
      json.setWithMessage(false);
      json.setWithArguments(false);
      json.setWithContext(false);
      json.start();
      return json;
    }
    var text = new PatternLayoutEncoder();
    text.setContext(context);
    text.setPattern(PATTERN);
    text.start();
    return text;
  }

  /** Sets the level of the agent's own loggers. */
  static void level(String level) {
    ((LoggerContext) LoggerFactory.getILoggerFactory())
        .getLogger("org.cacheddownloads")
        .setLevel(Level.toLevel(level));
  }
}
