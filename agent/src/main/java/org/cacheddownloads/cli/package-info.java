/**
 * The command line: one picocli command per file. Every command but {@code serve} asks the agent
 * over its Unix socket and shows the reply to a person, or with {@code --json} to a program.
 *
 * <p>Exit codes are in {@link org.cacheddownloads.cli.ExitCode}. Results go to standard output,
 * everything else to standard error; nothing is logged. Text that comes from the agent is stripped
 * of control characters before a terminal sees it, since names, keys and URLs were chosen by
 * others. Values of request headers are never shown.
 *
 * <p>Decided: {@link org.cacheddownloads.cli.Cli} gets what {@code serve} does as a {@link
 * org.cacheddownloads.cli.ServeAction}, because a client command must not load the agent: a call
 * lasts about as long as its classes take to load. For the same reason JSON is read by Vert.x's
 * plain codec (without data binding), Netty logs to {@code java.util.logging} (starting Logback
 * costs more than the request), and nobody waits for Vert.x to close. Price: a few lines in {@code
 * AgentClient} and {@code Json} that look odd.
 *
 * <p>Decided: exit code 3 for an agent that cannot be reached or does not answer in time, apart
 * from 1 for one that refused, because scripts retry the one and not the other.
 */
@NullMarked
package org.cacheddownloads.cli;

import org.jspecify.annotations.NullMarked;
