package org.cacheddownloads.catalog;

import org.cacheddownloads.content.Entry;

/**
 * An entry as one asker sees it.
 *
 * @param granted whether the asker may have the bytes without asking the origin: they were fetched
 *     without credentials, or the origin accepted the asker's own
 */
public record Known(Entry entry, boolean granted) {}
