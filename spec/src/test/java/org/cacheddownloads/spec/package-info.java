/**
 * The contract and its proof: black-box tests that start the built agent as a process and drive it
 * over its Unix socket.
 *
 * <p>One class per promise ({@link FetchSpec}, {@link ReferenceSpec}, …). What they stand on:
 * {@link AgentProcess} (a running agent and the client of its socket), {@link Contract} (holds
 * every request and reply against {@code spec/openapi.yaml}), {@link Origin} (a scripted origin),
 * {@link RawOrigin} (one that breaks HTTP), {@link BlackHole} (one that answers to nobody), {@link
 * SourceTree} (archives of real tools), {@link RawTar} and {@link RawZip} (such as no tool makes),
 * and the real parts {@link NginxOrigin}, {@link RuncContainer} and {@link PrometheusServer}.
 *
 * <p>What must outlast a {@code kill -9} is shown by {@link KillSpec}: a {@link Load} from many
 * clients writes what was acknowledged into a {@link Ledger}, the agent dies at a {@link
 * CrashPoint} or whenever it happens, and a {@link Checker} compares what the next start has.
 *
 * <p>Invariants: nothing is imported from {@code agent}; no test is skipped, a missing tool fails
 * with the line that installs it; no test sleeps or measures time: tests wait for what operators
 * see (metrics, replies, files), with a bound.
 *
 * <p>Decided: every exchange of every test passes through {@link Contract}, because a list of
 * contract tests beside the others would drift; price: a request that is bad on purpose has to say
 * so ({@link Request#deliberatelyBad()}).
 *
 * <p>Decided: one agent per class, shared by its tests, because a JVM start costs most of a second;
 * price: each test uses containers and URLs of its own. Tests that need a special configuration
 * start an agent in a {@code try}.
 */
@NullMarked
package org.cacheddownloads.spec;

import org.jspecify.annotations.NullMarked;
