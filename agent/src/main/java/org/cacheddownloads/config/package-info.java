/**
 * What an operator may decide: {@link org.cacheddownloads.config.Config} is the whole configuration
 * as immutable values with their units in their types, and {@link
 * org.cacheddownloads.config.ConfigReader} makes one from YAML and the environment.
 *
 * <p>Invariants: a {@code Config} that came from the reader is in range everywhere, so no other
 * package checks again. A file either becomes a whole {@code Config} or an {@link
 * org.cacheddownloads.config.InvalidConfig} that lists every fault in it. No secret leaves through
 * {@code toString}, {@code tree} or a fault.
 *
 * <p>Decided: the reader walks Jackson's tokens instead of binding records, because only so are all
 * faults reported at once, with lines, and {@code mode: 0660} means what was typed (YAML 1.1 would
 * make it the number 432). Price: each key is named twice, in the reader and in {@code
 * Config.tree}; a test holds the two together.
 *
 * <p>Decided: an empty section ({@code quota:} and nothing below) is a fault, because it reads as
 * "no quota" as easily as "the default quota".
 *
 * <p>Decided: the environment is made into the document that a file with the same values would be,
 * and read by the same code over what the file said, because only so do the two agree on what is
 * right. A variable with the prefix that stands for no key is a fault, as an unknown key is: a
 * misspelt limit that nobody notices is worse than an agent that does not start. Price: no other
 * program may use the prefix.
 *
 * <p>Looks odd, is intended: files named in the configuration (CA files, header files) are not
 * opened here. Reading a configuration has no effects, so a reload can be judged before anything is
 * touched; whoever uses a file reports what is wrong with it.
 */
@NullMarked
package org.cacheddownloads.config;

import org.jspecify.annotations.NullMarked;
