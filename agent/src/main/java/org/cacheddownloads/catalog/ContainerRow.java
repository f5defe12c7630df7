package org.cacheddownloads.catalog;

import java.time.Instant;
import org.cacheddownloads.content.ContainerId;
import org.jspecify.annotations.Nullable;

/** When a container was first seen, and when it is released if nobody renews it (null: never). */
public record ContainerRow(ContainerId container, Instant createdAt, @Nullable Instant expiresAt) {}
