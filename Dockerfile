# The product's container. Its TypeScript runs as it is: Node strips the types when it loads a file.
# It listens beyond loopback, so it starts only with a token: docker run -e JG_API_TOKEN=... -p 127.0.0.1:4000:4000 ...
FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY . .
# The graph lives in a volume; nothing else is written, so everything else stays root's.
RUN mkdir /data && chown node:node /data
VOLUME /data
USER node
EXPOSE 4000
HEALTHCHECK --interval=5s --timeout=5s --start-period=10s --retries=12 \
  CMD ["node", "cli/main.ts", "status", "--url", "http://127.0.0.1:4000"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "--max-semi-space-size=8", "cli/main.ts"]
CMD ["up", "--host=0.0.0.0", "--port=4000", "--data=/data"]
