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
 * plain codec (without data binding), picocli looks at the one command that is wanted, and the
 * socket is asked by {@link org.cacheddownloads.cli.Exchange}, a small HTTP client on a channel of
 * the JDK: Vert.x and Netty took half of the processor time of a call. Price: a page of HTTP/1.1 of
 * our own, for a server of our own.
 *
 * <p>Decided: {@code top} and {@code --watch} ask stty(1) for the size of the terminal at each
 * look, because the JDK tells neither the size nor its change, and system calls are made in one
 * class of another package. Price: a process a second.
 *
 * <p>Decided: exit code 3 for an agent that cannot be reached or does not answer in time, apart
 * from 1 for one that refused, because scripts retry the one and not the other.
 */
@NullMarked
package org.cacheddownloads.cli;

import org.jspecify.annotations.NullMarked;
